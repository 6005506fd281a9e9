// SPDX-License-Identifier: MPL-2.0

package server_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// corpusPath is where the real alerts are, if they are: they are not part of the project.
const corpusPath = "../../shared/corpus/panther-analysis.jsonl"

// corpus returns the real alerts in the API's form, or the examples where there are none.
func corpus(t *testing.T) []map[string]any {
	t.Helper()
	file, err := os.Open(corpusPath)
	if errors.Is(err, fs.ErrNotExist) {
		t.Log("the corpus of real alerts is not here; alerts made up in this test stand in for it")
		return madeUp()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var alerts []map[string]any
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r struct {
			Detection, Generated map[string]any
			Context              json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		a := map[string]any{"type": r.Detection["type"], "log_types": r.Detection["log_types"], "context": r.Context, "dedup": r.Generated["dedup"]}
		delete(r.Detection, "type")
		delete(r.Detection, "log_types")
		delete(r.Generated, "dedup")
		a["detection"], a["generated"] = r.Detection, r.Generated
		alerts = append(alerts, a)
	}
	if err := lines.Err(); err != nil || len(alerts) == 0 {
		t.Fatalf("read %d alerts: %v", len(alerts), err)
	}
	return alerts
}

func madeUp() []map[string]any {
	var alerts []map[string]any
	for i := range 300 {
		alerts = append(alerts, map[string]any{
			"type": types[i%len(types)], "log_types": []any{logs[i%3]}, "context": map[string]any{"i": i},
			"detection": map[string]any{"id": fmt.Sprintf("Detection.%d", i%50), "severity": levels[i%5]},
			"generated": map[string]any{"title": fmt.Sprintf("Alert %d", i)},
		})
	}
	return alerts
}

var (
	levels = []string{"INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
	types  = []string{"RULE", "POLICY", "SCHEDULED_RULE", "CORRELATION_RULE", "RULE_ERROR", "SYSTEM_ERROR"}
	logs   = []string{"AWS.CloudTrail", "Okta.SystemLog", "GSuite.Reports"}
)

// oracle is a second, independent writing of the routing design, as plain as can be; it shares no code with the
// router. It returns the scenario, the effective severity and the names chosen.
type oracle struct {
	destinations []oracleDestination
	overrides    map[string]oracleOverride
}

type oracleDestination struct {
	ID, Name            string
	Enabled             bool
	Severities          []string
	AlertTypes, LogType []string
}

type oracleOverride struct {
	Severity     any
	Destinations any // nil, or a list
}

func (o oracle) route(a map[string]any) (scenario, severity string, names []string) {
	detection, generated := a["detection"].(map[string]any), a["generated"].(map[string]any)
	override := o.overrides[detection["id"].(string)]
	if a["type"] == "SYSTEM_ERROR" {
		for _, d := range o.destinations {
			if d.Enabled && accepts(d.AlertTypes, "SYSTEM_ERROR") {
				names = append(names, d.Name)
			}
		}
		return orUnrouted("SYSTEM", names), "CRITICAL", names
	}
	severity = strings.ToUpper(detection["severity"].(string))
	if override.Severity != nil {
		severity = override.Severity.(string)
	}
	scenario = "STATIC_SEVERITY"
	if g, ok := generated["severity"].(string); ok && slices.Contains(levels, strings.ToUpper(g)) {
		scenario, severity = "GENERATED_SEVERITY", strings.ToUpper(g)
	}
	static, isSet := detection["destinations"], false
	if list, ok := static.([]any); ok && len(list) > 0 {
		isSet = true
	}
	if override.Destinations != nil {
		static, isSet = override.Destinations, true
	}
	if list, ok := generated["destinations"].([]any); ok {
		if suppresses(list) {
			return "SUPPRESSED", severity, nil
		}
		if names = o.named(list); len(names) > 0 {
			return "GENERATED_DESTINATIONS", severity, names
		}
	}
	if isSet {
		list := static.([]any)
		if suppresses(list) {
			return "SUPPRESSED", severity, nil
		}
		if names = o.named(list); len(names) > 0 {
			return "STATIC_DESTINATIONS", severity, names
		}
	}
	for _, d := range o.destinations {
		if d.Enabled && slices.Contains(d.Severities, severity) && accepts(d.AlertTypes, a["type"].(string)) && sharesLog(d.LogType, a["log_types"]) {
			names = append(names, d.Name)
		}
	}
	return orUnrouted(scenario, names), severity, names
}

func orUnrouted(scenario string, names []string) string {
	if len(names) == 0 {
		return "UNROUTED"
	}
	return scenario
}

func suppresses(list []any) bool { return len(list) == 0 || slices.Contains(list, any("SKIP")) }

func (o oracle) named(list []any) (names []string) {
	for _, entry := range list {
		found := -1
		for i, d := range o.destinations {
			if d.ID == entry {
				found = i
			}
		}
		for i, d := range o.destinations {
			if found < 0 && d.Name == entry {
				found = i
			}
		}
		if found >= 0 && o.destinations[found].Enabled && !slices.Contains(names, o.destinations[found].Name) {
			names = append(names, o.destinations[found].Name)
		}
	}
	return names
}

func accepts(list []string, word string) bool { return len(list) == 0 || slices.Contains(list, word) }

func sharesLog(want []string, got any) bool {
	if len(want) == 0 {
		return true
	}
	list, _ := got.([]any)
	return slices.ContainsFunc(list, func(l any) bool { return slices.Contains(want, l.(string)) })
}

// Every real alert is accepted and delivered, and goes where an independent reading of the design sends it, under
// random overlays of generated and static lists, severities and overrides.
func TestServer_RoutesRealAlertsAsTheDesignSays(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test repeats itself
	alerts := corpus(t)
	s, got := servertest.Start(t), newSink(t, nil)
	o := oracle{overrides: map[string]oracleOverride{}}
	for i := range 8 {
		d := oracleDestination{
			Name: fmt.Sprintf("Destination %d", i), Enabled: i != 5, Severities: pick(r, levels), AlertTypes: pick(r, types), LogType: pick(r, logs),
		}
		if i < 3 {
			d.AlertTypes, d.LogType = nil, nil
		}
		body, _ := json.Marshal(map[string]any{
			"display_name": d.Name, "enabled": d.Enabled, "severities": append([]string{}, d.Severities...), "alert_types": append([]string{}, d.AlertTypes...),
			"log_types": append([]string{}, d.LogType...), "config": map[string]any{"webhook": map[string]any{"url": got.URL}},
		})
		var made struct{ ID string }
		do(t, s, 201, "POST", "/v1/destinations", string(body), &made)
		d.ID = made.ID
		o.destinations = append(o.destinations, d)
	}
	draw := func() any { return drawList(r, o.destinations) }
	for i := 0; i < len(alerts); i += 7 {
		override := oracleOverride{Destinations: draw()}
		if r.IntN(2) == 0 {
			override.Severity = levels[r.IntN(5)]
		}
		id := alerts[i]["detection"].(map[string]any)["id"].(string)
		body, _ := json.Marshal(map[string]any{"severity": override.Severity, "destinations": override.Destinations})
		do(t, s, 200, "PUT", "/v1/overrides/"+strings.ReplaceAll(id, "/", "%2F"), string(body), nil)
		o.overrides[id] = override
	}
	var batch strings.Builder
	want := 0
	for i, a := range alerts {
		detection, generated := a["detection"].(map[string]any), a["generated"].(map[string]any)
		detection["destinations"], generated["destinations"] = draw(), draw()
		if r.IntN(3) == 0 {
			generated["severity"] = append(levels, "high", "DEFAULT", "SEVERE")[r.IntN(8)]
		}
		body, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var preview struct {
			Scenario, Severity string
			Destinations       []struct {
				DisplayName string `json:"display_name"`
			}
		}
		do(t, s, 200, "POST", "/v1/route/preview", string(body), &preview)
		scenario, severity, names := o.route(a)
		var gotNames []string
		for _, d := range preview.Destinations {
			gotNames = append(gotNames, d.DisplayName)
		}
		slices.Sort(gotNames)
		slices.Sort(names)
		if preview.Scenario != scenario || preview.Severity != severity || !slices.Equal(gotNames, names) {
			t.Fatalf("%s\ngot  %s %s %v\nwant %s %s %v", body, preview.Scenario, preview.Severity, gotNames, scenario, severity, names)
		}
		want += len(names)
		batch.Write(body)
		batch.WriteByte('\n')
		if i%500 == 499 || i == len(alerts)-1 {
			for line := range strings.Lines(do(t, s, 200, "POST", "/v1/alerts/batch", batch.String(), nil)) {
				if !strings.Contains(line, `"status":202`) {
					t.Fatalf("an alert was refused: %s", line)
				}
			}
			batch.Reset()
		}
	}
	waitUntil(t, fmt.Sprintf("%d deliveries", want), func() bool { return len(got.got()) == want })
}

// pick draws none, some or all of the words.
func pick(r *rand.Rand, words []string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(string) bool { return r.IntN(2) == 0 })
}

// drawList draws nil mostly, else a list with good and bad entries.
func drawList(r *rand.Rand, destinations []oracleDestination) any {
	if r.IntN(3) > 0 {
		return nil
	}
	list := []any{}
	for range r.IntN(4) {
		d := destinations[r.IntN(len(destinations))]
		list = append(list, []any{d.ID, d.Name, strings.ToUpper(d.Name), "nope", "SKIP"}[min(r.IntN(14)/3, 4)])
	}
	return list
}
