// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/provider"
	"github.com/alertrouter/terraform-provider-alertrouter/provider/enginetest"
)

// TestDrift_OfEveryAttributeIsPlannedAndRepaired changes every attribute there is behind Terraform's back: to another
// value, to none, and from none to one. The attributes are those of the schemas and the values follow from the contract,
// so that no attribute can be forgotten. Each case is a resource of its own; two applies serve them all.
func TestDrift_OfEveryAttributeIsPlannedAndRepaired(t *testing.T) {
	w := newWorld(t)
	cases := w.driftCases(t)
	t.Logf("%d cases", len(cases))
	if len(cases) < 50 && *onlyType == "" {
		t.Fatalf("there are only %d cases: the schemas or the contract were not read", len(cases))
	}
	config := enginetest.RequiredProviders
	for _, c := range cases {
		config += c.block(t)
	}
	work := enginetest.NewWorkspace(t, config, "ALERTROUTER_ENDPOINT="+w.URL, "ALERTROUTER_TOKEN="+w.Token)
	if out, err := work.Run(t, "apply", "-no-color", "-auto-approve"); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, mustTake)
	}
	ids := idsIn(t, work)
	want := map[string]map[string]any{}
	for _, c := range cases {
		want[c.address()] = w.read(t, c, ids[c.address()])
		w.interfere(t, c, ids[c.address()])
	}
	work.Must(t, "plan", "-no-color", "-out=plan.out")
	changes := changesIn(t, work, "plan.out")
	for _, c := range cases {
		c.check(t, changes[c.address()])
	}
	work.Must(t, "apply", "-no-color", "plan.out")
	work.Must(t, "plan", "-no-color", "-detailed-exitcode")
	for _, c := range cases {
		if got := w.read(t, c, ids[c.address()]); !reflect.DeepEqual(got, want[c.address()]) {
			t.Errorf("%s was not repaired: it is\n%v, and was\n%v", c.label(), got, want[c.address()])
		}
	}
}

// A driftCase is one attribute of one resource that changes outside. Nil stands for an attribute that is not set.
type driftCase struct {
	resource  string // without the alertrouter_
	attribute string
	how       string         // in a word
	body      map[string]any // the arguments beside the attribute
	has       any            // the attribute in the configuration
	gets      any            // what somebody makes of it
	beside    map[string]any // which attributes somebody has to change with it
	known     traits
}

func (c driftCase) address() string { return "alertrouter_" + c.resource + "." + c.label() }
func (c driftCase) label() string   { return c.resource + "-" + c.attribute + "-" + c.how }

// arguments are all the resource has in the configuration.
func (c driftCase) arguments() map[string]any {
	arguments := map[string]any{"display_name": c.label(), "severities": []any{"HIGH"}}
	if c.resource == "detection_override" {
		arguments = map[string]any{"detection_id": c.label()}
	}
	maps.Copy(arguments, c.body)
	arguments[c.attribute] = c.has
	return arguments
}

// block is the resource in HCL, for whose values JSON will do.
func (c driftCase) block(t *testing.T) string {
	t.Helper()
	arguments := c.arguments()
	text := fmt.Sprintf("\nresource \"alertrouter_%s\" %q {\n", c.resource, c.label())
	for _, name := range slices.Sorted(maps.Keys(arguments)) {
		if arguments[name] != nil {
			text += fmt.Sprintf("  %s = %s\n", name, encode(t, arguments[name]))
		}
	}
	return text + "}\n"
}

// check looks for the one update that names what changed and nothing else that a user sets.
func (c driftCase) check(t *testing.T, got change) {
	t.Helper()
	if !slices.Equal(got.Actions, []string{"update"}) {
		t.Errorf("%s: the plan is to %v it", c.label(), got.Actions)
		return
	}
	secret := isSecret(c.attribute)
	var want []string
	for _, name := range append(slices.Collect(maps.Keys(c.beside)), c.attribute) {
		secret = secret || isSecret(name)
		if !isSecret(name) {
			want = append(want, name)
		}
	}
	if secret {
		want = append(want, "secret_fingerprints")
	}
	slices.Sort(want)
	names := slices.DeleteFunc(got.attributes(), func(name string) bool {
		return name == "revision" || name == "secret_fingerprints" && !secret // unknown in every update with a secret
	})
	if !slices.Equal(names, want) {
		t.Errorf("%s: the plan changes %v, want %v", c.label(), names, want)
	}
}

func isSecret(attribute string) bool { return strings.HasSuffix(attribute, "_wo") }

// member is what the API calls an attribute.
func member(attribute string) string { return strings.TrimSuffix(attribute, "_wo") }

// values returns two values of a property, of which the first is not its default.
func values(p *openapi3.Schema) [2]any {
	switch {
	case len(p.Enum) > 0:
		all := slices.DeleteFunc(slices.Clone(p.Enum), func(v any) bool { return v == nil })
		first := slices.IndexFunc(all, func(v any) bool { return v != p.Default })
		return [2]any{all[first], all[(first+1)%len(all)]}
	case p.Type.Includes("boolean"):
		return [2]any{p.Default != true, p.Default == true}
	case p.Type.Includes("integer"):
		return [2]any{5, 6}
	case p.Type.Includes("number"):
		return [2]any{0.5, 2}
	case p.Type.Includes("array"):
		one := values(p.Items.Value)
		return [2]any{[]any{one[0]}, []any{one[1], one[0]}}
	case p.Type.Includes("object"):
		return [2]any{map[string]any{"X-One": "1"}, map[string]any{"X-One": "2", "X-Two": "2"}}
	}
	return [2]any{"one", "two"}
}

// driftCases walks the schemas of the resources that somebody can change outside.
func (w *world) driftCases(t *testing.T) (cases []driftCase) {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../server/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	schemas := document.Components.Schemas
	fallbacks := [2]any{w.createWebhook(t, "first", "https://soar.example.com"), w.createWebhook(t, "second", "https://soar.example.com")}
	for name, attributes := range changeable(t) {
		if *onlyType != "" && name != "destination_"+*onlyType {
			continue
		}
		properties := maps.Clone(schemas["OverrideInput"].Value.Properties)
		if destination, ok := strings.CutPrefix(name, "destination_"); ok {
			properties = maps.Clone(schemas["DestinationConfig"].Value.Properties[destination].Value.Properties)
			maps.Copy(properties, schemas["DestinationInput"].Value.Properties)
		}
		known := traitsOf(t, name)
		pairOf := func(attribute string) [2]any {
			switch attribute {
			case "fallback":
				return fallbacks
			case "display_name": // unique
				return [2]any{name, name + " by hand"}
			}
			if pair, ok := known.Values[member(attribute)]; ok {
				return pair
			}
			return values(properties[member(attribute)].Value)
		}
		for attribute, required := range attributes {
			if schemas["DestinationInput"].Value.Properties[attribute] != nil && name != "destination_webhook" {
				continue // one code serves all types
			}
			c := driftCase{resource: name, attribute: attribute, known: known, body: maps.Clone(known.Base)}
			if c.body == nil {
				c.body = map[string]any{}
			}
			for _, other := range known.Without[attribute] {
				delete(c.body, other)
			}
			for other, p := range properties {
				if p.Value.Extensions["x-required-on-create"] == true {
					c.body[other+"_wo"] = pairOf(other)[0]
				}
			}
			for _, other := range known.Needs[attribute] {
				c.body[other] = pairOf(other)[0]
			}
			if attribute == "fallback_after_seconds" {
				c.body["fallback"] = pairOf("fallback")[0]
			}
			cases = append(cases, c.hows(required, properties[member(attribute)].Value, pairOf)...)
		}
	}
	if len(cases) == 0 {
		t.Fatalf("there is no attribute of the type %q", *onlyType)
	}
	return cases
}

// hows are the ways in which the attribute can change.
func (c driftCase) hows(required bool, p *openapi3.Schema, pairOf func(string) [2]any) []driftCase {
	pair := pairOf(c.attribute)
	with := func(how string, has, gets any) driftCase {
		d := c
		d.how, d.has, d.gets, d.body, d.beside = how, has, gets, maps.Clone(c.body), map[string]any{}
		for _, other := range c.known.insteadOf(c.attribute) {
			if has == nil {
				d.body[other], d.beside[other] = pairOf(other)[0], nil
			} else if gets == nil {
				d.beside[other] = pairOf(other)[0]
			}
		}
		if other := c.known.Together[c.attribute]; other != "" && has == nil {
			d.beside[other] = pairOf(other)[0]
		} else if other != "" {
			d.body[other] = pairOf(other)[0]
			if gets == nil {
				d.beside[other] = nil
			}
		}
		return d
	}
	cases := []driftCase{with("changed", pair[0], pair[1])}
	requiredSecret := p.Extensions["x-required-on-create"] == true
	if isSecret(c.attribute) {
		versioned := with("changed-versioned", pair[0], pair[1])
		versioned.body[c.attribute+"_version"] = 1
		cases = append(cases, versioned)
		if !requiredSecret {
			versioned = with("cleared-versioned", pair[0], nil)
			versioned.body[c.attribute+"_version"] = 1
			cases = append(cases, versioned)
		}
	}
	switch {
	case required && p.Type.Includes("array") && p.MinItems == 0:
		cases = append(cases, with("emptied", pair[0], []any{}), with("filled", []any{}, pair[0]))
	case !required && !requiredSecret:
		cases = append(cases, with("cleared", pair[0], nil), with("set", nil, pair[0]))
	}
	return cases
}

// changeable returns, for each resource that somebody can change outside, the attributes a user can set, and whether
// they are required.
func changeable(t *testing.T) map[string]map[string]bool {
	t.Helper()
	all := map[string]map[string]bool{}
	for _, newResource := range provider.New("test")().Resources(t.Context()) {
		var name resource.MetadataResponse
		var page resource.SchemaResponse
		newResource().Metadata(t.Context(), resource.MetadataRequest{}, &name)
		newResource().Schema(t.Context(), resource.SchemaRequest{}, &page)
		if !strings.HasPrefix(name.TypeName, "_destination_") && name.TypeName != "_detection_override" {
			continue
		}
		attributes := map[string]bool{}
		for attribute, a := range page.Schema.Attributes {
			if settable := a.IsRequired() || a.IsOptional(); settable && !strings.HasSuffix(attribute, "_wo_version") && attribute != "detection_id" {
				attributes[attribute] = a.IsRequired()
			}
		}
		all[strings.TrimPrefix(name.TypeName, "_")] = attributes
	}
	return all
}

// read returns what the API has of a resource, less what changes with every write.
func (w *world) read(t *testing.T, c driftCase, id string) map[string]any {
	t.Helper()
	var got any
	var err error
	if c.resource == "detection_override" {
		got, err = client.OK(w.api.GetOverrideWithResponse(t.Context(), c.label()))
	} else {
		got, err = client.OK(w.api.GetDestinationWithResponse(t.Context(), id))
	}
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	decode(t, encode(t, got), &members)
	delete(members, "revision")
	delete(members, "updated_at")
	return members
}

// interfere changes the attribute, and what has to change with it.
func (w *world) interfere(t *testing.T, c driftCase, id string) {
	t.Helper()
	members := w.read(t, c, id)
	edits := maps.Clone(c.beside)
	edits[c.attribute] = c.gets
	if c.resource == "detection_override" {
		maps.Copy(members, edits)
		var input client.OverrideInput
		decode(t, encode(t, members), &input)
		if _, err := client.OK(w.api.PutOverrideWithResponse(t.Context(), c.label(), nil, input)); err != nil {
			t.Fatalf("%s: %v", c.label(), err)
		}
		return
	}
	config := members["config"].(map[string]any)[strings.TrimPrefix(c.resource, "destination_")].(map[string]any)
	for attribute, value := range edits {
		of := config
		if _, ok := members[attribute]; ok {
			of = members
		}
		of[member(attribute)] = value
		if value == nil && !isSecret(attribute) {
			delete(of, member(attribute))
		}
	}
	var input client.DestinationInput
	decode(t, encode(t, members), &input)
	if _, err := client.OK(w.api.UpdateDestinationWithResponse(t.Context(), id, nil, input)); err != nil {
		t.Fatalf("%s: %v", c.label(), err)
	}
}

// createWebhook makes a webhook destination behind Terraform's back and returns its id.
func (w *world) createWebhook(t *testing.T, name, url string) string {
	t.Helper()
	return w.create(t, client.DestinationInput{
		DisplayName: name, Severities: []client.Severity{}, Config: client.DestinationConfig{Webhook: &client.WebhookConfig{URL: &url}},
	}).ID
}

func encode(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}
