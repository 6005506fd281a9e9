// SPDX-License-Identifier: MPL-2.0

package api

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// drawValue draws a JSON value, mostly of the kind the contract wants.
func drawValue(t *rapid.T, label string, good *rapid.Generator[any]) any {
	odd := rapid.SampledFrom([]any{nil, true, 1.5, "", "text", []any{}, []any{"a", 1.0}, []any{nil}, map[string]any{}, map[string]any{"x": 1.0}})
	if rapid.IntRange(0, 9).Draw(t, label+" odd") == 0 && rapid.Bool().Draw(t, label+" really") {
		return odd.Draw(t, label)
	}
	return good.Draw(t, label)
}

func drawObject(t *rapid.T, label string, members map[string]*rapid.Generator[any]) map[string]any {
	object := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		good := members[name]
		if rapid.IntRange(0, 9).Draw(t, label+name+" absent") > 0 {
			object[name] = drawValue(t, label+name, good)
		}
	}
	if rapid.IntRange(0, 19).Draw(t, label+" extra") == 0 {
		object["extra"] = 1
	}
	return object
}

func anyOf(values ...any) *rapid.Generator[any] { return rapid.SampledFrom(values) }

// The alert path has a parser of its own. It must accept exactly what the contract accepts, but for the one thing a
// schema cannot say: the form of created_at.
func TestParseAlert_AgreesWithTheContract(t *testing.T) {
	t.Parallel()
	c, err := loadContract()
	if err != nil {
		t.Fatal(err)
	}
	op := c.operations["acceptAlert"]
	texts, lists := anyOf("", "x", "ü\u0000\u202e", nil), anyOf(nil, []any{}, []any{"A", "SKIP"})
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		object := drawObject(t, "", map[string]*rapid.Generator[any]{
			"alert_id": anyOf("a", "b", "x-1", "b90c19e66e160e194a5b3b94ec27fb7c", "A", "", "a b", "é"), "type": anyOf("RULE", "POLICY", "SYSTEM_ERROR", "RULE_ERROR", "rule"),
			"link": texts, "log_types": lists, "dedup": texts, "context": anyOf(nil, map[string]any{}, map[string]any{"a": map[string]any{"b": []any{1}}}),
		})
		if rapid.IntRange(0, 9).Draw(t, "detection") > 0 {
			object["detection"] = drawObject(t, "detection.", map[string]*rapid.Generator[any]{
				"id": anyOf("x", "y", "z", "w", ""), "severity": anyOf("LOW", "high", "Critical", "INFO", "medium", "SEVERE", ""), "name": texts, "version": texts,
				"destinations": lists, "description": texts, "runbook": texts, "reference": texts, "tags": lists,
			})
		}
		if rapid.Bool().Draw(t, "generated") {
			object["generated"] = drawObject(t, "generated.", map[string]*rapid.Generator[any]{
				"severity": anyOf("LOW", "SEVERE", "", nil), "destinations": lists, "title": texts, "description": texts, "runbook": texts, "reference": texts,
			})
		}
		if d, ok := object["detection"].(map[string]any); ok && rapid.Bool().Draw(t, "what is required is good") {
			object["alert_id"], object["type"], d["id"], d["severity"] = "a", "RULE", "d", "high"
			delete(object, "extra")
			delete(d, "extra")
		}
		raw, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		parsed, fast := wire.Parse(raw)
		slow := op.check(raw)
		if (fast == nil) != (slow == nil) {
			t.Fatalf("%s\nthe parser says %v\nthe contract says %v", raw, fast, slow)
		}
		if fast == nil {
			accepted++
			sameAlert(t, raw, parsed)
		}
	})
	t.Logf("%d of the drawn alerts were accepted", accepted)
	if accepted == 0 {
		t.Error("no drawn alert was accepted")
	}
}

// sameAlert checks a parsed alert against encoding/json, which is independent of the strict parser.
func sameAlert(t *rapid.T, raw []byte, parsed *alert.Alert) {
	var again alert.Alert
	if err := json.Unmarshal(raw, &again); err != nil {
		t.Fatal(err)
	}
	again.Context, parsed.Context = nil, nil // bytes, whose form differs where it may
	x, errX := json.Marshal(parsed)
	y, errY := json.Marshal(again)
	if errX != nil || errY != nil {
		t.Fatal(errX, errY)
	}
	if string(x) != string(y) {
		t.Fatalf("%s\nis parsed as %s\nand by encoding/json as %s", raw, x, y)
	}
}

func TestCheck_SaysWhatIsWrongWithoutQuotingIt(t *testing.T) {
	t.Parallel()
	c, err := loadContract()
	if err != nil {
		t.Fatal(err)
	}
	err = c.operations["createDestination"].check([]byte(`{"display_name":"x","severities":[],"config":{"slack":{"webhook_url":{"leaked-secret":1}}}}`))
	fields := problem.FieldsOf(err)
	if len(fields) != 1 || fields[0].Name != "/config/slack/webhook_url" || fields[0].Message != "must be a string" {
		t.Errorf("got %+v, want that webhook_url must be a string", fields)
	}
}

// An answer names so many wrong fields and no more, but counts them all.
func TestDocument_NamesNoMoreThanAPersonReads(t *testing.T) {
	t.Parallel()
	c, err := loadContract()
	if err != nil {
		t.Fatal(err)
	}
	raw := []byte(`{"type":"RULE","detection":{"id":"d","severity":"LOW"},"log_types":[0` + strings.Repeat(",1", 999) + `]}`)
	_, err = parseAlert(c.operations["acceptAlert"], raw)
	p, ok := errors.AsType[*problem.Error](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	if d := document(p, ""); len(d.Errors) != maxFields || *d.Detail != "1000 fields are wrong; the first 100 are named" {
		t.Errorf("got %d fields and %q", len(d.Errors), *d.Detail)
	}
}
