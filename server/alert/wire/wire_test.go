// SPDX-License-Identifier: MPL-2.0

package wire_test

import (
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// example is the payload of the API's contract.
const example = `{
  "alert_id": "b90c19e66e160e194a5b3b94ec27fb7c",
  "type": "RULE",
  "created_at": "2020-10-13T03:35:24Z",
  "link": "https://siem.example.com/alerts/b90c19e66e160e194a5b3b94ec27fb7c",
  "log_types": ["AWS.CloudTrail"],
  "dedup": "123.123.123.123",
  "detection": {
    "id": "AllLogs.IPMonitoring", "name": "Monitor Suspicious IPs", "version": "CJm9PiaXV0q8U0JhoFmE6L21ou7e5Ek0",
    "severity": "INFO", "destinations": null,
    "description": "This rule alerts on any activity outside of our IP address whitelist", "runbook": "", "reference": "",
    "tags": ["Network Monitoring", "Threat Intel"]
  },
  "generated": { "severity": null, "destinations": null,
    "title": "Suspicious traffic detected from [123.123.123.123]", "description": null, "runbook": null, "reference": null },
  "context": { "ip": "123.123.123.123" }
}`

func TestParse_ReadsTheExample(t *testing.T) {
	t.Parallel()
	a, err := wire.Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if a.Title() != "Suspicious traffic detected from [123.123.123.123]" || a.Generated.Destinations != nil || a.Generated.Severity != nil ||
		string(a.Context) != `{ "ip": "123.123.123.123" }` || a.CreatedAt.Unix() != 1602560124 || len(a.Detection.Tags) != 2 {
		t.Errorf("got %+v", a)
	}
}

func TestParse_KeepsTheContextByteForByte(t *testing.T) {
	t.Parallel()
	context := `{"b":1.10, "a" : 12345678901234567890,"s":"\ud800 \u0000 <&>é", "b2":[ ]}`
	body := []byte(`{"type":"RULE","detection":{"id":"d","severity":"LOW"},"context":` + context + `}`)
	a, err := wire.Parse(body)
	if err != nil || string(a.Context) != context {
		t.Fatalf("got %s, %v; want %s", a.Context, err, context)
	}
	copy(body, strings.Repeat("x", len(body)))
	if string(a.Context) != context {
		t.Error("the context is not a copy of the body")
	}
}

func TestParse_TellsAnEmptyListFromNone(t *testing.T) {
	t.Parallel()
	for list, want := range map[string]bool{"[]": true, "null": false, `["SKIP"]`: true} {
		a, err := wire.Parse([]byte(`{"type":"RULE","detection":{"id":"d","severity":"LOW"},"generated":{"destinations":` + list + `}}`))
		if err != nil || (a.Generated.Destinations != nil) != want {
			t.Errorf("%s: got %#v, %v", list, a, err)
		}
	}
}

func TestParse_RefusesWithTheKindAndTheField(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		kind  problem.Kind
		field string
	}{
		``:                            {problem.Malformed, ""},
		`{`:                           {problem.Malformed, ""},
		`{} {}`:                       {problem.Malformed, ""},
		"{\"type\":\"RULE\xff\"}":     {problem.Malformed, ""},
		`[]`:                          {problem.Invalid, ""},
		`{"type":1}`:                  {problem.Invalid, "/type"},
		`{"typo":1}`:                  {problem.Invalid, "/typo"},
		`{"type":"A","type":"B"}`:     {problem.Invalid, "/type"},
		`{"created_at":"today"}`:      {problem.Invalid, "/created_at"},
		`{"created_at":20201013}`:     {problem.Invalid, "/created_at"},
		`{"log_types":"x"}`:           {problem.Invalid, "/log_types"},
		`{"detection":{"tags":[{}]}}`: {problem.Invalid, "/detection/tags/0"},
		`{"type":"RULE","detection":{"id":"d","severity":"LOW"},"context":[1]}`:    {problem.Invalid, "/context"},
		`{"type":"RULE","detection":{"id":"d","severity":"LOW"},"alert_id":""}`:    {problem.Invalid, "/alert_id"},
		`{"type":"RULE","detection":{"id":"d","severity":"LOW"},"alert_id":"a b"}`: {problem.Invalid, "/alert_id"},
		`{"type":"RULE","detection":{"id":"d","severity":"LOW","tags":[null]}}`:    {problem.Invalid, "/detection/tags/0"},
	} {
		_, err := wire.Parse([]byte(body))
		fields := problem.FieldsOf(err)
		if err == nil || problem.KindOf(err) != want.kind || want.kind == problem.Invalid && (len(fields) == 0 || fields[0].Name != want.field) {
			t.Errorf("%s: got %v, want %s naming %q", body, err, want.kind, want.field)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	f.Add([]byte(`{"type":"RULE","detection":{"id":"d","severity":"LOW"},"context":{"a":"\ud800"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := wire.Parse(body)
		if (a == nil) == (err == nil) {
			t.Fatalf("got %v and %v", a, err)
		}
		if err != nil && problem.KindOf(err) == problem.Internal {
			t.Fatalf("an internal error: %v", err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(example)))
	for b.Loop() {
		if _, err := wire.Parse([]byte(example)); err != nil {
			b.Fatal(err)
		}
	}
}
