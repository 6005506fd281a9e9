// SPDX-License-Identifier: MPL-2.0

package destinationtest

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/shrink"
)

// testTooLarge has the vendor refuse a message for its size: it gets less of it at once, and word of that.
func testTooLarge(t *testing.T, c Case) {
	for name, test := range map[string]func(*testing.T, Case){
		"once":            testTooLargeOnce,
		"texts alone":     testTooLargeTexts,
		"again":           testTooLargeAgain,
		"nothing to cut":  testNothingToCut,
		"with a template": testTooLargeTemplate,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, c)
		})
	}
}

func testTooLargeOnce(t *testing.T, c Case) {
	for name, context := range map[string]int{"cut": 24 << 10, "3 MB": 3_000_000} {
		m := Large(context)
		first, second := c.sendTwice(t, m)
		if len(second.body) > max(len(first.body)/2, 70_000) || len(second.body) >= len(first.body) {
			t.Errorf("%s: got %d bytes after %d were too large, want far less", name, len(second.body), len(first.body))
		}
		c.checkCut(t, second)
		if name == "cut" {
			golden(t, filepath.Join(c.Dir, name+".golden.json"), second.json(t))
		}
	}
}

// testTooLargeTexts has no context to leave out.
func testTooLargeTexts(t *testing.T, c Case) {
	m := Overlong(strings.Repeat("é😀 ", 5_000))
	m.Alert.Context = nil
	first, second := c.sendTwice(t, m)
	if len(second.body) > len(first.body)*2/3 {
		t.Errorf("got %d bytes after %d were too large, want far less", len(second.body), len(first.body))
	}
	c.checkCut(t, second)
}

// sendTwice brings a message to a vendor that refuses the first request for it.
func (c Case) sendTwice(t *testing.T, m *destination.Message) (first, second request) {
	t.Helper()
	vendor := c.vendor(t, limitsOnce)
	receipt, err := shrink.Send(t.Context(), c.open(t, vendor.URL), m)
	requests := vendor.requests()
	if err != nil || len(requests) != 2 {
		t.Fatalf("got %d requests, %+v (error %v), want a second one to be taken: see destination.TooLarge", len(requests), receipt, err)
	}
	if !receipt.Truncated || !strings.Contains(receipt.Message, "refused as too large") {
		t.Errorf("got %+v, want that it was cut, and why", receipt)
	}
	if got := requests[1]; (c.KeyHeader != "" || c.KeyMember != "") && c.key(t, requests[0]) != c.key(t, got) {
		t.Errorf("got the key %q, want that of the first request", c.key(t, got))
	}
	return requests[0], requests[1]
}

// checkCut wants a message to say that it is cut: people in a sentence, programs in the payload.
func (c Case) checkCut(t *testing.T, r request) {
	t.Helper()
	texts := append(textsOf(t, r.json(t)), string(r.json(t)))
	said := false
	for _, text := range texts {
		said = said || strings.Contains(strings.Join(strings.Fields(text), " "), "the destination refused more as too large.")
		if strings.HasPrefix(text, `{"schemaVersion"`) {
			CheckPayload(t, []byte(text))
			var payload struct{ Truncation any }
			if err := json.Unmarshal([]byte(text), &payload); err != nil || payload.Truncation == nil {
				t.Errorf("got %s, want its member truncation set", text)
			}
			said = true
		}
	}
	if !said && !strings.Contains(strings.Join(texts, " "), "the destination refused more as too large.") {
		t.Errorf("got %s, want it to say that it is cut: render.Notes does", r.json(t))
	}
}

func testTooLargeAgain(t *testing.T, c Case) {
	vendor := c.vendor(t, limits)
	_, err := shrink.Send(t.Context(), c.open(t, vendor.URL), Large(24<<10))
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomePermanent || len(vendor.requests()) != 2 {
		t.Fatalf("got %s (error %v) and %d requests, want PERMANENT after two", outcome, err, len(vendor.requests()))
	}
	if !strings.Contains(err.Error(), " kB, nor what it was cut to, ") {
		t.Errorf("got %v, want both sizes in it", err)
	}
}

func testNothingToCut(t *testing.T, c Case) {
	vendor := c.vendor(t, limits)
	_, err := shrink.Send(t.Context(), c.open(t, vendor.URL), Minimal())
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomePermanent || len(vendor.requests()) != 1 {
		t.Errorf("got %s (error %v) and %d requests, want PERMANENT after one", outcome, err, len(vendor.requests()))
	}
}

// testTooLargeTemplate has a template print all there is of an alert.
func testTooLargeTemplate(t *testing.T, c Case) {
	if !c.hasTemplates(t) {
		t.Skipf("%s has no templates", c.Type.Name)
	}
	template := "own start {{.description}} {{json .context}} own end"
	if c.Machine {
		template = `{"own":"start","description":{{.description}},"context":{{json .context}}}`
	}
	first, second := c.with(t, map[string]any{"body_template": template}).sendTwice(t, Large(500_000))
	if len(second.body) >= len(first.body) {
		t.Errorf("got %d bytes after %d were too large", len(second.body), len(first.body))
	}
	if texts := strings.Join(textsOf(t, second.json(t)), "\n"); !strings.Contains(texts, "start") {
		t.Errorf("got %s, want what the template makes", texts)
	}
	if !c.Machine {
		c.checkCut(t, second)
	}
}
