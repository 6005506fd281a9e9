// SPDX-License-Identifier: MPL-2.0

package destination_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func TestCheck_ClassesEveryStatus(t *testing.T) {
	t.Parallel()
	for code := 200; code < 600; code++ {
		want := destination.OutcomePermanent
		switch {
		case code < 300:
			want = destination.OutcomeDelivered
		case code == 408 || code == 425 || code == 429 || code >= 500:
			want = destination.OutcomeRetry
		}
		got, _ := destination.OutcomeOf(destination.Check(&outbound.Response{StatusCode: code, Header: http.Header{}}, now))
		if got != want {
			t.Errorf("%d: got %s, want %s", code, got, want)
		}
	}
	waiting := &outbound.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"7"}}}
	if outcome, wait := destination.OutcomeOf(destination.Check(waiting, now)); outcome != destination.OutcomeWait || wait != 7*time.Second {
		t.Errorf("503 with Retry-After 7: got %s %s", outcome, wait)
	}
}

func TestParseRetryAfter_ReadsSecondsAndDates(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"0": 0, " 90 ": 90 * time.Second, "1.5": 1500 * time.Millisecond, "Sat, 21 Nov 2026 12:01:00 GMT": time.Minute, "Sat, 21 Nov 2020 12:01:00 GMT": 0,
	} {
		if got, ok := destination.ParseRetryAfter(value, now); !ok || got != want {
			t.Errorf("%q: got %s, %v; want %s", value, got, ok, want)
		}
	}
	for _, value := range []string{"", "soon", "-1", "NaN", "Inf", "1e300"} {
		if got, ok := destination.ParseRetryAfter(value, now); ok {
			t.Errorf("%q was taken for %s", value, got)
		}
	}
}

func TestOutcomeOf_FindsTheMarkInAChain(t *testing.T) {
	t.Parallel()
	cause := errors.New("no")
	for want, err := range map[destination.Outcome]error{
		destination.OutcomeRetry:     cause,
		destination.OutcomePermanent: fmt.Errorf("send: %w", destination.Permanent(cause)),
		destination.OutcomeWait:      fmt.Errorf("send: %w", destination.RetryAfter(cause, time.Second)),
		destination.OutcomeAmbiguous: fmt.Errorf("send: %w", destination.Ambiguous(cause)),
		destination.OutcomeDelivered: nil,
	} {
		if got, _ := destination.OutcomeOf(err); got != want {
			t.Errorf("%v: got %s, want %s", err, got, want)
		}
		if err != nil && !errors.Is(err, cause) {
			t.Errorf("%v hides its cause", err)
		}
	}
}

func TestNotSent_IsNeverAmbiguous(t *testing.T) {
	t.Parallel()
	lost := outbound.Failed("example.com", true, io.EOF)
	for _, c := range []struct {
		err  error
		want destination.Outcome
		wait time.Duration
	}{
		{lost, destination.OutcomeRetry, 0},
		{fmt.Errorf("wrapped: %w", lost), destination.OutcomeRetry, 0},
		{destination.Unconfirmed("list"), destination.OutcomeRetry, 0},
		{errors.New("down"), destination.OutcomeRetry, 0},
		{destination.RetryAfter(errors.New("busy"), time.Minute), destination.OutcomeWait, time.Minute},
		{destination.Permanent(errors.New("no")), destination.OutcomePermanent, 0},
		{fmt.Errorf("10.0.0.5: %w", outbound.ErrBlocked), destination.OutcomePermanent, 0},
	} {
		err := fmt.Errorf("looking: %w", destination.NotSent(c.err))
		if got, wait := destination.OutcomeOf(err); got != c.want || wait != c.wait || !errors.Is(err, c.err) || err.Error() != "looking: "+c.err.Error() {
			t.Errorf("%v: got %s after %s (%v), want %s after %s", c.err, got, wait, err, c.want, c.wait)
		}
	}
	unknown := outbound.Failed("example.com", true, &net.DNSError{IsNotFound: true})
	if !destination.NeedsOperator(destination.NotSent(unknown)) || destination.NotSent(nil) != nil {
		t.Error("a name that does not exist is the operator's, and no error is none")
	}
}

func TestNeedsOperator_TellsWhatTriesDoNotMend(t *testing.T) {
	t.Parallel()
	needy := fmt.Errorf("send: %w", outbound.ErrNeedsOperator)
	if !destination.NeedsOperator(needy) || destination.NeedsOperator(errors.New("no")) || destination.NeedsOperator(nil) {
		t.Error("got it wrong for an error that wraps ErrNeedsOperator, one that does not, or none")
	}
	if got, _ := destination.OutcomeOf(needy); got != destination.OutcomeRetry {
		t.Errorf("got %s, want RETRY: delivery counts the attempts", got)
	}
}

// sample is a config with everything a config can have.
type sample struct {
	Name   string                   `json:"name,omitempty"`
	Region string                   `json:"region"`
	Count  int                      `json:"count,omitempty"`
	Key    secret.String            `json:"key,omitzero"`
	Tokens map[string]secret.String `json:"tokens,omitempty"`
	shared
}

// shared is what several types have.
type shared struct {
	Account string        `json:"account,omitempty"`
	Pass    secret.String `json:"pass,omitzero"`
}

func (s *sample) SetDefaults() { s.Region = "us" }

func (s sample) Validate() error {
	if !s.Key.IsSet() {
		return problem.InvalidFields([]problem.Field{{Name: "/key", Message: "is required"}})
	}
	return nil
}

var sampleType = destination.Define("sample", func(c sample, _ destination.Env) (destination.Sender, error) { return sampleSender{c}, nil })

type sampleSender struct{ config sample }

func (s sampleSender) Render(*destination.Message) (destination.Rendering, error) {
	return destination.Rendering{Body: []byte("{}")}, nil
}

func (s sampleSender) Send(context.Context, *destination.Message) (destination.Receipt, error) {
	return destination.Receipt{ExternalID: s.config.Key.Reveal() + s.config.Tokens["a"].Reveal() + s.config.Region}, nil
}

func of(secrets map[string]json.RawMessage) func(string) (json.RawMessage, error) {
	return func(name string) (json.RawMessage, error) { return secrets[name], nil }
}

func TestType_SplitsSecretsFromTheRest(t *testing.T) {
	t.Parallel()
	if !slices.Equal(sampleType.Secrets, []string{"key", "pass", "tokens"}) {
		t.Errorf("the secrets are %v", sampleType.Secrets)
	}
	public, secrets, err := sampleType.Split(json.RawMessage(`{"name":"n","key":"k1","tokens":{"a":"t1"}}`), nil)
	if err != nil || string(public) != `{"name":"n","region":"us"}` || string(secrets["key"]) != `"k1"` {
		t.Fatalf("got %s, %s, %v", public, secrets, err)
	}
	sender, err := sampleType.Open(public, secrets, destination.Env{})
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := sender.Send(t.Context(), nil); r.ExternalID != "k1t1us" {
		t.Errorf("the opened sender has %q", r.ExternalID)
	}

	public, secrets, err = sampleType.Split(json.RawMessage(`{"account":"a","pass":"p1","key":"k1","tokens":{"a":"t1"}}`), nil)
	if err != nil || string(public) != `{"account":"a","region":"us"}` || string(secrets["pass"]) != `"p1"` {
		t.Fatalf("got %s, %s, %v from an embedded struct", public, secrets, err)
	}

	// Absent is kept, null is cleared, a value replaces; what is not secret takes its default.
	public, secrets, err = sampleType.Split(json.RawMessage(`{"tokens":null,"region":"eu"}`), of(secrets))
	if err != nil || string(public) != `{"region":"eu"}` || string(secrets["key"]) != `"k1"` || secrets["tokens"] != nil {
		t.Errorf("got %s, %s, %v", public, secrets, err)
	}
	if _, _, err = sampleType.Split(json.RawMessage(`{"key":null}`), of(secrets)); len(problem.FieldsOf(err)) != 1 {
		t.Errorf("a required secret was cleared: %v", err)
	}
}

func TestType_RefusesWithoutQuotingTheSecret(t *testing.T) {
	t.Parallel()
	for raw, field := range map[string]string{
		`{"key":"needle","nope":1}`:     "/nope",
		`{"key":["needle"]}`:            "/key",
		`{"key":"k","tokens":"needle"}`: "/tokens",
		`{"key":"k","count":"needle"}`:  "/count",
		`["needle"]`:                    "",
	} {
		_, _, err := sampleType.Split(json.RawMessage(raw), nil)
		fields := problem.FieldsOf(err)
		if len(fields) != 1 || fields[0].Name != field || fields[0].Message == "" {
			t.Errorf("%s: got %v, want the field %q", raw, err, field)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), "needle") {
			t.Errorf("%s: the error quotes the secret: %v", raw, err)
		}
	}
}

func TestMessage_MarkIsThatOfTheDelivery(t *testing.T) {
	t.Parallel()
	first, again, other := &destination.Message{DeliveryID: "a"}, &destination.Message{DeliveryID: "a", Attempt: 2, Again: true}, &destination.Message{DeliveryID: "b"}
	if first.Mark() != again.Mark() || first.Mark() == other.Mark() || len(first.Mark()) != 32 {
		t.Errorf("got %q, %q and %q, want the first two alike", first.Mark(), again.Mark(), other.Mark())
	}
}

func TestMessage_SinceIsBeforeTheDeliveryAndNow(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.November, 21, 3, 35, 24, 5, time.UTC)
	for created, want := range map[time.Time]string{
		now.Add(-time.Hour): "02:25:24", // ten minutes before
		now.Add(time.Hour):  "03:25:24", // by a clock that is wrong
		{}:                  "03:25:24",
	} {
		m := &destination.Message{Promised: created}
		if got := m.Since(now).Format(time.TimeOnly); got != want {
			t.Errorf("an alert of %s: got %s, want %s", created, got, want)
		}
	}
}
