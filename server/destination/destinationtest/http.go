// SPDX-License-Identifier: MPL-2.0

package destinationtest

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// overHTTP is the protocol of nearly all types. A request is one of HTTP.
type overHTTP struct{}

func (overHTTP) vendor(t testing.TB, c Case, does deed) *vendor {
	t.Helper()
	answer := c.accept()
	switch does {
	case defers:
		answer = respond(http.StatusServiceUnavailable, "later")
	case hangsUp:
		answer = hangUp
	case stalls:
		answer = func(_ http.ResponseWriter, r request) { <-r.gone }
	case limits:
		answer = tooLarge
	case limitsOnce:
		var refused atomic.Bool
		answer = func(w http.ResponseWriter, r request) {
			if refused.Swap(true) {
				c.accept()(w, r)
				return
			}
			tooLarge(w, r)
		}
	}
	return newVendor(t, answer)
}

// tooLarge answers as nginx does.
func tooLarge(w http.ResponseWriter, r request) {
	respond(http.StatusRequestEntityTooLarge, "<html><head><title>413 Request Entity Too Large</title></head></html>")(w, r)
}

func (overHTTP) careless() map[string]func(testing.TB) *vendor {
	vendors := map[string]func(testing.TB) *vendor{}
	for name, answer := range map[string]func(http.ResponseWriter, request){
		"delivered":   func(w http.ResponseWriter, r request) { _, _ = w.Write(r.echo()) },
		"permanent":   func(w http.ResponseWriter, r request) { w.WriteHeader(400); _, _ = w.Write(r.echo()) },
		"retry":       func(w http.ResponseWriter, r request) { w.WriteHeader(500); _, _ = w.Write(r.echo()) },
		"answer lost": hangUp,
		"not HTTP":    func(w http.ResponseWriter, r request) { raw(w, r.echo()) },
		"not headers": func(w http.ResponseWriter, r request) { raw(w, append([]byte("HTTP/1.1 200 OK\r\n"), r.echo()...)) },
	} {
		vendors[name] = func(t testing.TB) *vendor { return newVendor(t, answer) }
	}
	return vendors
}

func (overHTTP) point(t testing.TB, c Case, members map[string]any, address string) {
	t.Helper()
	original, _ := members[c.Address].(string)
	u, err := url.Parse(original)
	if err != nil || original == "" {
		t.Fatalf("the suite's config has no URL in %q", c.Address)
	}
	members[c.Address] = address + u.RequestURI()
}

func (overHTTP) private() string { return "http://10.0.0.5" }

func (overHTTP) roots() *x509.CertPool { return nil }

func (overHTTP) testOutcome(t *testing.T, c Case) {
	t.Helper()
	const later = 90 * time.Second
	date := now.Add(later).Format(http.TimeFormat)
	for _, test := range []struct {
		status     int
		retryAfter string
		want       destination.Outcome
		wait       time.Duration
	}{
		{200, "", destination.OutcomeDelivered, 0},
		{201, "", destination.OutcomeDelivered, 0},
		{202, "", destination.OutcomeDelivered, 0},
		{301, "", destination.OutcomePermanent, 0},
		{302, "", destination.OutcomePermanent, 0},
		{307, "", destination.OutcomePermanent, 0},
		{308, "", destination.OutcomePermanent, 0},
		{400, "", destination.OutcomePermanent, 0},
		{401, "", destination.OutcomePermanent, 0},
		{403, "", destination.OutcomePermanent, 0},
		{404, "", destination.OutcomePermanent, 0},
		{410, "", destination.OutcomePermanent, 0},
		{413, "", destination.OutcomePermanent, 0},
		{422, "", destination.OutcomePermanent, 0},
		{408, "", destination.OutcomeRetry, 0},
		{425, "", destination.OutcomeRetry, 0},
		{429, "", destination.OutcomeRetry, 0},
		{429, "7", destination.OutcomeWait, 7 * time.Second},
		{429, date, destination.OutcomeWait, later},
		{500, "", destination.OutcomeRetry, 0},
		{502, "", destination.OutcomeRetry, 0},
		{503, "", destination.OutcomeRetry, 0},
		{503, "7", destination.OutcomeWait, 7 * time.Second},
		{504, "", destination.OutcomeRetry, 0},
	} {
		t.Run(fmt.Sprintf("%d %s", test.status, test.retryAfter), func(t *testing.T) {
			t.Parallel()
			says := []byte("what the vendor says")
			if test.want == destination.OutcomeDelivered && c.Answer.Body != nil {
				says = c.answer()
			}
			vendor := newVendor(t, func(w http.ResponseWriter, _ request) {
				if test.retryAfter != "" {
					w.Header().Set("Retry-After", test.retryAfter)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(test.status)
				_, _ = w.Write(says)
			})
			receipt, err := c.open(t, vendor.URL).Send(t.Context(), Message())
			outcome, wait := destination.OutcomeOf(err)
			if outcome != test.want || wait != test.wait {
				t.Errorf("got %s after %s (error %v), want %s after %s", outcome, wait, err, test.want, test.wait)
			}
			if receipt.StatusCode != test.status {
				t.Errorf("got status %d in the receipt, want %d", receipt.StatusCode, test.status)
			}
			if receipt.Message != string(says) {
				t.Errorf("got message %q in the receipt, want %s", receipt.Message, says)
			}
			if n := len(vendor.requests()); n != 1 {
				t.Errorf("got %d requests, want one attempt and no redirect followed", n)
			}
		})
	}
}

// testStrangers matters where the vendor's answer names what was made.
func (overHTTP) testStrangers(t *testing.T, c Case) {
	t.Helper()
	if c.Answer.Body == nil {
		return
	}
	for _, page := range []string{"", "<!DOCTYPE html><title>Log in</title>", "{}", "[]", "null"} {
		vendor := newVendor(t, respond(http.StatusOK, page))
		receipt, err := c.open(t, vendor.URL).Send(t.Context(), Message())
		if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomeAmbiguous {
			t.Errorf("an answer that is not the vendor's, %q: got %s (error %v), want AMBIGUOUS", page, outcome, err)
		}
		if receipt.StatusCode != http.StatusOK || receipt.ExternalID != "" {
			t.Errorf("an answer that is not the vendor's, %q: got %+v", page, receipt)
		}
	}
}
