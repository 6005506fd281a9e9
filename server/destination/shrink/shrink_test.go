// SPDX-License-Identifier: MPL-2.0

package shrink_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/payload"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/shrink"
)

// program is a destination that is sent the payload, and answers as its functions say.
type program struct {
	answers []func(ctx context.Context) (destination.Receipt, error)
	render  func(m *destination.Message) ([]byte, error) // nil: the payload
	got     [][]byte
}

func (p *program) Render(m *destination.Message) (destination.Rendering, error) {
	if p.render != nil {
		body, err := p.render(m)
		return destination.Rendering{Body: body}, err
	}
	body, cut := payload.Render(m, 0, render.Bytes)
	return destination.Rendering{Body: body, Truncated: cut}, nil
}

func (p *program) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	r, err := p.Render(m)
	if err != nil {
		return destination.Receipt{}, err
	}
	p.got = append(p.got, r.Body)
	receipt, err := p.answers[len(p.got)-1](ctx)
	receipt.Truncated = r.Truncated
	return receipt, err
}

type answer = func(context.Context) (destination.Receipt, error)

func says(receipt destination.Receipt, err error) answer {
	return func(context.Context) (destination.Receipt, error) { return receipt, err }
}

func tooLarge(limit int) answer {
	return says(destination.Receipt{StatusCode: 413, Message: "too large"}, destination.TooLarge(errors.New("the destination answered 413"), limit))
}

var taken = says(destination.Receipt{StatusCode: 200, Message: "ok", ExternalID: "1"}, nil)

func TestSend_SendsAPartOfWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		context, limit int
		least, most    int // bytes of the part
	}{
		"a quarter":                      {100_000, 0, 20_000, 26_000},
		"no more than fits mostly":       {3_000_000, 0, 65_000, 64 << 10},
		"the least there is":             {5_000, 0, 3_500, payload.MinLimit},
		"without any context":            {1_500, 0, 500, 1_500},
		"what the destination says":      {3_000_000, 250_000, 249_000, 250_000},
		"a quarter of what it says fits": {100_000, 250_000, 20_000, 26_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &program{answers: []answer{tooLarge(c.limit), taken}}
			m := destinationtest.Large(c.context)
			receipt, err := shrink.Send(t.Context(), p, m)
			if err != nil || len(p.got) != 2 || receipt.ExternalID != "1" || receipt.StatusCode != 200 {
				t.Fatalf("got %+v (error %v) and %d messages, want the second to be taken", receipt, err, len(p.got))
			}
			if n := len(p.got[1]); n < c.least || n > c.most {
				t.Errorf("got %d bytes after %d, want %d to %d", n, len(p.got[0]), c.least, c.most)
			}
			destinationtest.CheckPayload(t, p.got[1])
			part := fmt.Sprintf("%d kB", (len(p.got[1])+500)/1000)
			if n := len(p.got[1]); n < 1000 {
				part = fmt.Sprintf("%d bytes", n)
			}
			said := fmt.Sprintf("refused as too large, about %d kB, and sent again, cut to %s: ok", (len(p.got[0])+500)/1000, part)
			if !receipt.Truncated || receipt.Message != said {
				t.Errorf("got %+v, want it truncated, and to say %q", receipt, said)
			}
			if m.Cut != nil || len(m.Alert.Context) < c.context*9/10 {
				t.Error("the message was changed")
			}
		})
	}
}

func TestSend_TheSecondAnswerDecides(t *testing.T) {
	t.Parallel()
	for want, answers := range map[destination.Outcome][]answer{
		destination.OutcomePermanent: {tooLarge(0), says(destination.Receipt{}, destination.Permanent(errors.New("no such channel")))},
		destination.OutcomeRetry:     {tooLarge(0), says(destination.Receipt{}, errors.New("no such channel"))},
		destination.OutcomeWait:      {tooLarge(0), says(destination.Receipt{}, destination.RetryAfter(errors.New("no such channel"), time.Minute))},
		destination.OutcomeAmbiguous: {tooLarge(0), says(destination.Receipt{}, destination.Ambiguous(errors.New("no such channel")))},
	} {
		receipt, err := shrink.Send(t.Context(), &program{answers: answers}, destinationtest.Large(10_000))
		outcome, wait := destination.OutcomeOf(err)
		if outcome != want || (wait > 0) != (want == destination.OutcomeWait) || !receipt.Truncated {
			t.Errorf("got %s after %s and %+v, want %s", outcome, wait, receipt, want)
		}
		if !strings.HasPrefix(err.Error(), "refused as too large, about 1") || !strings.HasSuffix(err.Error(), ": no such channel") {
			t.Errorf("got %v, want it to tell of both refusals", err)
		}
	}
}

func TestSend_IsPermanentWhenThePartIsTooLargeToo(t *testing.T) {
	t.Parallel()
	p := &program{answers: []answer{tooLarge(0), tooLarge(0)}}
	receipt, err := shrink.Send(t.Context(), p, destinationtest.Large(10_000))
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomePermanent || len(p.got) != 2 {
		t.Fatalf("got %s (error %v) and %d messages, want PERMANENT after two", outcome, err, len(p.got))
	}
	const want = "the destination takes neither all of the alert, about 11 kB, nor what it was cut to, 4 kB: raise its limit, or send it smaller alerts: the destination answered 413"
	if err.Error() != want || receipt.Message != "too large" || receipt.StatusCode != 413 {
		t.Errorf("got %v and %+v, want %q", err, receipt, want)
	}
}

func TestSend_SaysHowSmallAPartIs(t *testing.T) {
	t.Parallel()
	p := &program{answers: []answer{tooLarge(0), tooLarge(0)}, render: func(m *destination.Message) ([]byte, error) {
		if m.Cut != nil {
			return make([]byte, 454), nil
		}
		return make([]byte, 999), nil
	}}
	_, err := shrink.Send(t.Context(), p, destinationtest.Minimal())
	if want := "about 999 bytes, nor what it was cut to, 454 bytes:"; !strings.Contains(fmt.Sprint(err), want) {
		t.Errorf("got %v, want it to say %q", err, want)
	}
}

// TestSend_SendsNothingASecondTime has answers after which a second message would be one too many, or no better.
func TestSend_SendsNothingASecondTime(t *testing.T) {
	t.Parallel()
	refusal := destination.TooLarge(errors.New("the destination answered 413"), 0)
	for name, c := range map[string]struct {
		p    program
		want destination.Outcome
		says string
	}{
		"delivered":           {program{answers: []answer{taken}}, destination.OutcomeDelivered, ""},
		"another refusal":     {program{answers: []answer{says(destination.Receipt{}, destination.Permanent(errors.New("no")))}}, destination.OutcomePermanent, "no"},
		"after it was made":   {program{answers: []answer{says(destination.Receipt{ExternalID: "1"}, fmt.Errorf("made, but not closed: %w", refusal))}}, destination.OutcomePermanent, "not closed"},
		"may have arrived":    {program{answers: []answer{says(destination.Receipt{}, destination.Ambiguous(refusal))}}, destination.OutcomeAmbiguous, "413"},
		"before it was sent":  {program{answers: []answer{says(destination.Receipt{}, destination.NotSent(destination.RetryAfter(refusal, time.Second)))}}, destination.OutcomeWait, "413"},
		"nothing to leave":    {program{answers: []answer{tooLarge(0)}, render: func(*destination.Message) ([]byte, error) { return []byte("{}"), nil }}, destination.OutcomePermanent, "nothing in this alert to leave out"},
		"no part is possible": {program{answers: []answer{tooLarge(0)}, render: wholeOnly}, destination.OutcomePermanent, "413 (of a part of the alert: the template needs it)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := shrink.Send(t.Context(), &c.p, destinationtest.Large(10_000))
			if outcome, _ := destination.OutcomeOf(err); outcome != c.want || len(c.p.got) != 1 || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("got %s (error %v) and %d messages, want %s after one, saying %q", outcome, err, len(c.p.got), c.want, c.says)
			}
		})
	}
}

func TestPossible_IsWhereSendHasASmallerMessage(t *testing.T) {
	t.Parallel()
	nothing := func(*destination.Message) ([]byte, error) { return []byte("{}"), nil }
	large := destinationtest.Large(10_000)
	for name, c := range map[string]struct {
		p    program
		m    *destination.Message
		want bool
	}{
		"an alert with context": {program{}, large, true},
		"a part of it":          {program{}, payload.Shrink(destinationtest.Large(200_000), 50_000, 50_000), false},
		"nothing to leave":      {program{render: nothing}, large, false},
		"no part is possible":   {program{render: wholeOnly}, large, false},
	} {
		if got := shrink.Possible(&c.p, c.m); got != c.want || len(c.p.got) != 0 {
			t.Errorf("%s: got %t after %d messages, want %t after none", name, got, len(c.p.got), c.want)
		}
	}
}

// wholeOnly renders no part of an alert.
func wholeOnly(m *destination.Message) ([]byte, error) {
	if m.Cut != nil {
		return nil, destination.Permanent(errors.New("the template needs it"))
	}
	return bytes.Clone(m.Alert.Context), nil
}

// TestSend_HasOneDeadline has the time run out with the first answer.
func TestSend_HasOneDeadline(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{answers: []answer{
		func(ctx context.Context) (destination.Receipt, error) {
			cancel()
			return tooLarge(0)(ctx)
		},
		func(ctx context.Context) (destination.Receipt, error) {
			return destination.Receipt{}, context.Cause(ctx)
		},
	}}
	_, err := shrink.Send(ctx, p, destinationtest.Large(10_000))
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomeRetry || !errors.Is(err, context.Canceled) {
		t.Errorf("got %s (error %v), want RETRY", outcome, err)
	}
}

// TestSend_LooksOnce has a message that may have been sent before: its part says so too, and has its sender look no more.
func TestSend_LooksOnce(t *testing.T) {
	t.Parallel()
	p := &program{answers: []answer{tooLarge(0), taken}}
	var looks, notes []bool
	sender := looking{p, func(m *destination.Message) {
		looks = append(looks, m.MustLook())
		notes = append(notes, len(render.Texts{}.NotesAt("Chat", m)) == 1)
	}}
	m := destinationtest.Large(10_000)
	m.Again = true
	if _, err := shrink.Send(t.Context(), sender, m); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(looks, []bool{true, false}) || !slices.Equal(notes, []bool{true, true}) || !m.MustLook() {
		t.Errorf("got looks %v and notes %v, want a look before the whole alone, and a note on both", looks, notes)
	}
}

// looking is a program that sees each message before it is sent.
type looking struct {
	*program
	see func(m *destination.Message)
}

func (l looking) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	l.see(m)
	return l.program.Send(ctx, m)
}
