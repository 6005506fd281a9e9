// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"pgregory.net/rapid"

	"github.com/alertrouter/terraform-provider-alertrouter/provider"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/alert/wire"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route/routetest"
)

// The arguments of the function are built of these, as HCL would: object is {}, tuple is [], nil is null. Strings and
// booleans stand for themselves.
type (
	object  map[string]any
	tuple   []any
	unknown struct{ kind tftypes.Type }
)

var (
	unknownText  = unknown{tftypes.String}
	unknownTruth = unknown{tftypes.Bool}
	unknownTexts = unknown{tftypes.Set{ElementType: tftypes.String}}
	unknownAny   = unknown{tftypes.DynamicPseudoType}
)

func valueOf(v any) tftypes.Value {
	switch v := v.(type) {
	case nil:
		return tftypes.NewValue(tftypes.DynamicPseudoType, nil)
	case unknown:
		return tftypes.NewValue(v.kind, tftypes.UnknownValue)
	case string:
		return tftypes.NewValue(tftypes.String, v)
	case bool:
		return tftypes.NewValue(tftypes.Bool, v)
	case int:
		return tftypes.NewValue(tftypes.Number, v)
	case tuple:
		values, kinds := []tftypes.Value{}, []tftypes.Type{}
		for _, element := range v {
			values = append(values, valueOf(element))
			kinds = append(kinds, values[len(values)-1].Type())
		}
		return tftypes.NewValue(tftypes.Tuple{ElementTypes: kinds}, values)
	case object:
		values, kinds := map[string]tftypes.Value{}, map[string]tftypes.Type{}
		for name, member := range v {
			values[name] = valueOf(member)
			kinds[name] = values[name].Type()
		}
		return tftypes.NewValue(tftypes.Object{AttributeTypes: kinds}, values)
	case tftypes.Value:
		return v
	}
	panic(fmt.Sprintf("%T", v))
}

// tupleOf is a list; nil is null.
func tupleOf[T ~string](texts []T) any {
	if texts == nil {
		return nil
	}
	list := tuple{}
	for _, text := range texts {
		list = append(list, string(text))
	}
	return list
}

// functionServer is a provider that is not configured, as Terraform has one for functions.
var functionServer = sync.OnceValue(func() tfprotov6.FunctionServer {
	return providerserver.NewProtocol6(provider.New("test")())().(tfprotov6.FunctionServer)
})

// callRoute calls the function as Terraform does. The result is the zero Value if it is an error or unknown.
func callRoute(t rapid.TB, arguments ...any) (route.Route, tftypes.Value, *tfprotov6.FunctionError) {
	t.Helper()
	req := &tfprotov6.CallFunctionRequest{Name: "route"}
	for _, argument := range arguments {
		encoded, err := tfprotov6.NewDynamicValue(tftypes.DynamicPseudoType, valueOf(argument))
		if err != nil {
			t.Fatal(err)
		}
		req.Arguments = append(req.Arguments, &encoded)
	}
	resp, err := functionServer().CallFunction(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Error != nil {
		return route.Route{}, tftypes.Value{}, resp.Error
	}
	functions, err := functionServer().GetFunctions(context.Background(), &tfprotov6.GetFunctionsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := resp.Result.Unmarshal(functions.Functions["route"].Return.Type)
	if err != nil {
		t.Fatal(err)
	}
	var r route.Route
	if result.IsKnown() {
		raw, err := json.Marshal(plain(t, result))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
	}
	return r, result, nil
}

// plain turns a value into what encoding/json knows; an unknown string is "(unknown)".
func plain(t rapid.TB, v tftypes.Value) any {
	t.Helper()
	var text string
	var list []tftypes.Value
	var table map[string]tftypes.Value
	switch {
	case v.IsNull():
		return nil
	case !v.IsKnown():
		return "(unknown)"
	case v.As(&text) == nil:
		return text
	case v.As(&list) == nil:
		values := []any{}
		for _, element := range list {
			values = append(values, plain(t, element))
		}
		return values
	case v.As(&table) == nil:
		values := map[string]any{}
		for name, member := range table {
			values[name] = plain(t, member)
		}
		return values
	}
	t.Fatalf("%s", v)
	return nil
}

// policyArguments are the function's arguments for what the control plane would be given.
func policyArguments(v any, destinations []route.Destination, overrides []route.Override) (object, tuple, tuple) {
	raw, _ := json.Marshal(v)
	var a map[string]any
	_ = json.Unmarshal(raw, &a)
	list, changes := tuple{}, tuple{}
	for _, d := range destinations {
		list = append(list, object{
			"id": d.ID, "display_name": d.DisplayName, "type": d.Type, "enabled": d.Enabled, "allow_manual_dispatch": d.AllowManualDispatch,
			"severities": tupleOf(append([]string{}, textsOf(d.Severities)...)), "alert_types": tupleOf(d.AlertTypes), "log_types": tupleOf(d.LogTypes),
		})
	}
	for _, o := range overrides {
		change := object{"detection_id": o.DetectionID, "severity": nil, "destinations": tupleOf(o.Destinations)}
		if o.Severity != "" {
			change["severity"] = string(o.Severity)
		}
		changes = append(changes, change)
	}
	return fromJSON(a).(object), list, changes
}

func textsOf[T ~string](words []T) []string {
	var texts []string
	for _, w := range words {
		texts = append(texts, string(w))
	}
	return texts
}

// fromJSON is jsondecode.
func fromJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		o := object{}
		for name, member := range v {
			o[name] = fromJSON(member)
		}
		return o
	case []any:
		list := tuple{}
		for _, element := range v {
			list = append(list, fromJSON(element))
		}
		return list
	case float64:
		return int(v)
	}
	return v
}

// asStored sorts the filters as a control plane does: in the order of the words' own lists.
func asStored(destinations []route.Destination) []route.Destination {
	list := slices.Clone(destinations)
	for i, d := range list {
		list[i].Severities, list[i].AlertTypes, list[i].LogTypes = slices.Clone(d.Severities), slices.Clone(d.AlertTypes), slices.Clone(d.LogTypes)
		slices.SortFunc(list[i].Severities, func(a, b alert.Severity) int {
			return slices.Index(alert.Severities(), a) - slices.Index(alert.Severities(), b)
		})
		slices.SortFunc(list[i].AlertTypes, func(a, b alert.Type) int { return slices.Index(alert.Types(), a) - slices.Index(alert.Types(), b) })
		slices.Sort(list[i].LogTypes)
	}
	return list
}

func mustEqualRoutes(t rapid.TB, got, want route.Route) {
	t.Helper()
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Fatalf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestRouteFunction_Vectors(t *testing.T) {
	t.Parallel()
	for _, v := range routetest.Vectors() {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			a, destinations, overrides := policyArguments(v.Alert(), v.Destinations(), v.Overrides())
			got, _, err := callRoute(t, a, destinations, overrides)
			if err != nil {
				t.Fatal(err.Text)
			}
			mustEqualRoutes(t, got, route.Compile(v.Destinations(), v.Overrides()).Explain(v.Alert()))
			var names []string
			for _, d := range got.Destinations {
				names = append(names, d.DisplayName)
			}
			if slices.Sort(names); got.Scenario != v.Scenario || !slices.Equal(names, v.Names) || len(got.Warnings) != len(v.Warnings) {
				t.Errorf("got %+v, want %+v", got, v)
			}
		})
	}
}

func TestRouteFunction_IsTheControlPlanesDecision(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		destinations, overrides, a := routetest.DrawDestinations(t), routetest.DrawOverrides(t), routetest.DrawAlert(t)
		given, list, changes := policyArguments(a, destinations, overrides)
		got, _, err := callRoute(t, given, list, changes)
		if err != nil {
			t.Fatal(err.Text)
		}
		mustEqualRoutes(t, got, route.Compile(asStored(destinations), overrides).Explain(a))
	})
}

// What is decided while something is unknown is decided for good: when it is known, the answer is the same.
func TestRouteFunction_DecidesOnlyWhatUnknownsCannotChange(t *testing.T) {
	t.Parallel()
	known := 0
	rapid.Check(t, func(t *rapid.T) {
		destinations, overrides, a := routetest.DrawDestinations(t), routetest.DrawOverrides(t), routetest.DrawAlert(t)
		given, list, changes := policyArguments(a, destinations, overrides)
		h := hider{t: t, ids: rapid.SliceOfDistinct(rapid.SampledFrom([]string{"id-0", "id-1", "id-2"}), rapid.ID).Draw(t, "unknown ids")}
		got, result, err := callRoute(t, h.hide(given), h.hide(list), h.hide(changes))
		if err != nil {
			t.Fatal(err.Text)
		}
		if !result.IsKnown() {
			return
		}
		known++
		want := route.Compile(asStored(destinations), overrides).Explain(a)
		for i, d := range got.Destinations {
			want.Destinations[i].ID, want.Destinations[i].Type = seen(d.ID, want.Destinations[i].ID), seen(d.Type, want.Destinations[i].Type)
		}
		for i, r := range got.Rejected {
			want.Rejected[i].ID, want.Rejected[i].Type = seen(r.ID, want.Rejected[i].ID), seen(r.Type, want.Rejected[i].Type)
		}
		mustEqualRoutes(t, got, want)
	})
	if known < 10 {
		t.Errorf("%d routes were known; the test says nothing", known)
	}
}

func seen(got, want string) string {
	if got == "(unknown)" {
		return got
	}
	return want
}

// A hider makes some members unknown, and the same ids wherever they stand.
type hider struct {
	t   *rapid.T
	ids []string
}

func (h hider) hide(v any) any {
	switch v := v.(type) {
	case object:
		o := object{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			o[name] = h.hide(v[name])
		}
		return o
	case tuple:
		list := tuple{}
		for _, element := range v {
			list = append(list, h.hide(element))
		}
		if h.lucky() {
			return unknownAny
		}
		return list
	case string:
		if slices.Contains(h.ids, v) {
			return unknownText
		}
		if strings.HasPrefix(v, "id-") {
			return v // an id that is known in one place is known in all
		}
	}
	if h.lucky() {
		return unknownAny
	}
	return v
}

func (h hider) lucky() bool { return rapid.IntRange(0, 40).Draw(h.t, "unknown") == 40 }

func TestRouteFunction_AtPlanAnUnknownIdStandsForItself(t *testing.T) {
	t.Parallel()
	slack := object{"id": unknownText, "display_name": "On call", "severities": tuple{"CRITICAL"}, "type": "slack"}
	soar := object{"id": unknownText, "display_name": "SOAR", "severities": tuple{"LOW"}}
	got, _, err := callRoute(t, anAlert("CRITICAL"), tuple{slack, soar})
	if err != nil {
		t.Fatal(err.Text)
	}
	if len(got.Destinations) != 1 || got.Destinations[0] != (route.Chosen{ID: "(unknown)", DisplayName: "On call", Type: "slack"}) {
		t.Errorf("got %+v, want the on-call alone with an id that is unknown", got.Destinations)
	}
	if len(got.Rejected) != 1 || got.Rejected[0].ID != "(unknown)" || got.Rejected[0].Filter != route.FilterSeverities {
		t.Errorf("got %+v, want that the SOAR's severities refused it", got.Rejected)
	}
}

func TestRouteFunction_IsUnknownOnlyWhereItMatters(t *testing.T) {
	t.Parallel()
	destination := func(member string, value any) object {
		d := object{"id": "a", "display_name": "A", "severities": tuple{"HIGH"}}
		d[member] = value
		return d
	}
	override := func(id string, list any) tuple {
		return tuple{object{"detection_id": id, "severity": nil, "destinations": list}}
	}
	listed := object{"type": "RULE", "detection": object{"id": "d", "severity": "HIGH", "destinations": tuple{"A"}}}
	for name, c := range map[string]struct {
		arguments []any
		known     bool
	}{
		"all known":                              {[]any{anAlert("HIGH"), tuple{destination("id", "a")}}, true},
		"the alert":                              {[]any{unknownAny, tuple{}}, false},
		"the detection":                          {[]any{object{"type": "RULE", "detection": unknownAny}, tuple{}}, false},
		"a title":                                {[]any{object{"type": "RULE", "detection": object{"id": "d", "severity": "LOW", "name": unknownText}}, tuple{}}, true},
		"the detection's id, without overrides":  {[]any{object{"type": "RULE", "detection": object{"id": unknownText, "severity": "LOW"}}, tuple{}}, true},
		"the detection's id, with overrides":     {[]any{object{"type": "RULE", "detection": object{"id": unknownText, "severity": "LOW"}}, tuple{}, override("d", tuple{})}, false},
		"the generated severity":                 {[]any{object{"type": "RULE", "detection": object{"id": "d", "severity": "LOW"}, "generated": object{"severity": unknownText}}, tuple{}}, false},
		"a log type of the alert":                {[]any{object{"type": "RULE", "detection": object{"id": "d", "severity": "LOW"}, "log_types": tuple{unknownText}}, tuple{}}, false},
		"alert types, for a SYSTEM_ERROR":        {[]any{object{"type": "SYSTEM_ERROR", "detection": object{"id": "d", "severity": "LOW"}}, tuple{destination("alert_types", unknownTexts)}}, false},
		"all destinations":                       {[]any{anAlert("HIGH"), unknownAny}, false},
		"a destination":                          {[]any{anAlert("HIGH"), tuple{unknownAny}}, false},
		"a display name":                         {[]any{anAlert("HIGH"), tuple{destination("display_name", unknownText)}}, false},
		"enabled":                                {[]any{anAlert("HIGH"), tuple{destination("enabled", unknownTruth)}}, false},
		"severities":                             {[]any{anAlert("HIGH"), tuple{destination("severities", unknownTexts)}}, false},
		"one of the severities":                  {[]any{anAlert("HIGH"), tuple{destination("severities", tuple{"LOW", unknownText})}}, false},
		"severities, when a list decides":        {[]any{listed, tuple{destination("severities", unknownTexts)}}, true},
		"alert types":                            {[]any{anAlert("HIGH"), tuple{destination("alert_types", unknownTexts)}}, false},
		"alert types, when the severity refuses": {[]any{anAlert("LOW"), tuple{destination("alert_types", unknownTexts)}}, true},
		"log types":                              {[]any{anAlert("HIGH"), tuple{destination("log_types", unknownTexts)}}, false},
		"allow_manual_dispatch":                  {[]any{anAlert("HIGH"), tuple{destination("allow_manual_dispatch", unknownTruth)}}, true},
		"all overrides":                          {[]any{anAlert("HIGH"), tuple{}, unknownAny}, false},
		"an entry of the override in force":      {[]any{anAlert("HIGH"), tuple{}, override("d", tuple{unknownText})}, false},
		"an entry of another override":           {[]any{anAlert("HIGH"), tuple{}, override("other", tuple{unknownText})}, true},
		"an entry beside SKIP":                   {[]any{anAlert("HIGH"), tuple{}, override("d", tuple{unknownText, "SKIP"})}, true},
		"everything, when the alert is a SYSTEM_ERROR": {[]any{
			object{"type": "SYSTEM_ERROR", "detection": object{"id": unknownText, "severity": unknownText}},
			tuple{object{"id": unknownText, "display_name": "A", "severities": unknownTexts, "log_types": unknownTexts}},
			unknownAny,
		}, true},
	} {
		_, result, err := callRoute(t, c.arguments...)
		if err != nil {
			t.Errorf("%s: %s", name, err.Text)
		} else if result.IsKnown() != c.known {
			t.Errorf("%s is unknown: the result is known: %v, want %v", name, result.IsKnown(), c.known)
		}
	}
}

// anAlert is one of the detection "d".
func anAlert(severity string) object {
	return object{"type": "RULE", "detection": object{"id": "d", "severity": severity}}
}

func TestRouteFunction_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := object{"display_name": "A", "severities": tuple{"HIGH"}}
	with := func(name string, value any) tuple {
		d := maps.Clone(good)
		d[name] = value
		return tuple{d}
	}
	for name, c := range map[string]struct {
		arguments []any
		position  int64
		words     string
	}{
		"a typo in the alert":          {[]any{object{"type": "RULE", "detection": object{"id": "d", "severity": "LOW"}, "log_type": tuple{}}, tuple{}}, 0, "alert.log_type is not a member of an alert, which can have alert_id, "},
		"a typo in the detection":      {[]any{object{"type": "RULE", "detection": object{"id": "d", "serverity": "LOW"}}, tuple{}}, 0, "alert.detection.serverity is not a member"},
		"a typo in generated":          {[]any{object{"type": "RULE", "detection": object{"id": "d", "severity": "LOW"}, "generated": object{"destination": "A"}}, tuple{}}, 0, "alert.generated.destination is not a member"},
		"no type":                      {[]any{object{"detection": object{"id": "d", "severity": "LOW"}}, tuple{}}, 0, "alert.type is required"},
		"no detection":                 {[]any{object{"type": "RULE"}, tuple{}}, 0, "alert.detection.id is required"},
		"no severity":                  {[]any{object{"type": "RULE", "detection": object{"id": "d"}}, tuple{}}, 0, "alert.detection.severity is required"},
		"an unknown type":              {[]any{object{"type": "RULES", "detection": object{"id": "d", "severity": "LOW"}}, tuple{}}, 0, `not "RULES"`},
		"a text for a list":            {[]any{object{"type": "RULE", "log_types": "AWS.CloudTrail", "detection": object{"id": "d", "severity": "LOW"}}, tuple{}}, 0, "alert.log_types must be a list of strings"},
		"null in a list":               {[]any{object{"type": "RULE", "log_types": tuple{nil}, "detection": object{"id": "d", "severity": "LOW"}}, tuple{}}, 0, "alert.log_types[0] must not be null"},
		"no object":                    {[]any{"alert", tuple{}}, 0, "alert must be an object"},
		"one destination":              {[]any{anAlert("LOW"), good}, 1, "put it in brackets"},
		"a text for destinations":      {[]any{anAlert("LOW"), "A"}, 1, "must be a list, set or map of destinations"},
		"a null destination":           {[]any{anAlert("LOW"), tuple{nil}}, 1, "destinations[0] must be an object"},
		"no display name":              {[]any{anAlert("LOW"), tuple{object{"severities": tuple{}}}}, 1, "destinations[0].display_name is required"},
		"no severities":                {[]any{anAlert("LOW"), object{"a": object{"display_name": "A"}}}, 1, `destinations["a"].severities is required`},
		"a severity that is none":      {[]any{anAlert("LOW"), with("severities", tuple{"high"})}, 1, `destinations[0].severities has "high"`},
		"an alert type that is none":   {[]any{anAlert("LOW"), with("alert_types", tuple{"RULES"})}, 1, `destinations[0].alert_types has "RULES"`},
		"a typo in a destination":      {[]any{anAlert("LOW"), with("alert_type", "RULE")}, 1, "destinations[0].alert_type is not a member of a destination"},
		"enabled as text":              {[]any{anAlert("LOW"), with("enabled", "yes")}, 1, "destinations[0].enabled must be true or false"},
		"a name with space":            {[]any{anAlert("LOW"), with("display_name", "A ")}, 1, "must not begin or end with space"},
		"the name SKIP":                {[]any{anAlert("LOW"), with("display_name", "skip")}, 1, "must not be SKIP"},
		"two of one name":              {[]any{anAlert("LOW"), tuple{good, object{"display_name": "a", "severities": tuple{}}}}, 1, "is the name of destinations[0]"},
		"two of one name in Greek":     {[]any{anAlert("LOW"), tuple{object{"display_name": "ΣΟΣ", "severities": tuple{}}, object{"display_name": "σος", "severities": tuple{}}}}, 1, "is the name of destinations[0]"},
		"two of one id":                {[]any{anAlert("LOW"), tuple{object{"id": "1", "display_name": "A", "severities": tuple{}}, object{"id": "1", "display_name": "B", "severities": tuple{}}}}, 1, "destinations[1].id is that of destinations[0]"},
		"a typo in an override":        {[]any{anAlert("LOW"), tuple{}, tuple{object{"detection_id": "d", "destination": "A"}}}, 2, "overrides[0].destination is not a member"},
		"an override of nothing":       {[]any{anAlert("LOW"), tuple{}, tuple{object{"severity": "LOW"}}}, 2, "overrides[0].detection_id is required"},
		"an override's severity":       {[]any{anAlert("LOW"), tuple{}, tuple{object{"detection_id": "d", "severity": "low"}}}, 2, `overrides[0].severity has "low"`},
		"one override":                 {[]any{anAlert("LOW"), tuple{}, object{"detection_id": "d", "severity": "LOW"}}, 2, "put it in brackets"},
		"two overrides of a detection": {[]any{anAlert("LOW"), tuple{}, tuple{object{"detection_id": "d"}}, tuple{object{"detection_id": "d"}}}, 3, "has an override already"},
	} {
		_, _, err := callRoute(t, c.arguments...)
		switch {
		case err == nil:
			t.Errorf("%s: there is no error", name)
		case !strings.Contains(err.Text, c.words) || err.FunctionArgument == nil || *err.FunctionArgument != c.position:
			t.Errorf("%s: got %q about argument %v, want %q about %d", name, err.Text, err.FunctionArgument, c.words, c.position)
		}
	}
}

func TestRouteFunction_TakesCollectionsOfEveryKind(t *testing.T) {
	t.Parallel()
	a := object{"display_name": "A", "severities": tuple{"HIGH"}}
	typed := valueOf(a)
	for name, destinations := range map[string]any{
		"tuple":  tuple{a},
		"object": object{"x": a},
		"list":   tftypes.NewValue(tftypes.List{ElementType: typed.Type()}, []tftypes.Value{typed}),
		"set":    tftypes.NewValue(tftypes.Set{ElementType: typed.Type()}, []tftypes.Value{typed}),
		"map":    tftypes.NewValue(tftypes.Map{ElementType: typed.Type()}, map[string]tftypes.Value{"x": typed}),
	} {
		got, _, err := callRoute(t, anAlert("HIGH"), destinations, nil, tuple{}, nil)
		if err != nil {
			t.Errorf("%s: %s", name, err.Text)
		} else if len(got.Destinations) != 1 || got.Destinations[0].ID != "" {
			t.Errorf("%s: got %+v, want A with a null id", name, got)
		}
	}
}

// The alerts of the examples are bodies of the API; jsondecode makes arguments of them.
func TestRouteFunction_TakesTheExamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../examples/alerts/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d examples (%v)", len(files), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a, err := wire.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		var decoded any
		if err := json.Unmarshal(raw, &decoded); err != nil {
			t.Fatal(err)
		}
		_, destinations, overrides := policyArguments(a, routetest.Destinations(), nil)
		got, _, fault := callRoute(t, fromJSON(decoded), destinations, overrides)
		if fault != nil {
			t.Errorf("%s: %s", file, fault.Text)
			continue
		}
		mustEqualRoutes(t, got, route.Compile(routetest.Destinations(), nil).Explain(a))
	}
}
