// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/defaults"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// contract returns the schemas of the API's contract.
func contract(t *testing.T) openapi3.Schemas {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromFile("../server/api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return document.Components.Schemas
}

// TestKinds_EachIsComplete walks every destination type: whoever adds one learns here what is forgotten.
func TestKinds_EachIsComplete(t *testing.T) {
	t.Parallel()
	schemas := contract(t)
	names := []string{}
	for _, k := range destinationTypes {
		names = append(names, k.name)
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			config := schemas["DestinationConfig"].Value.Properties[k.name]
			if config == nil {
				t.Fatalf("DestinationConfig has no member %s", k.name)
			}
			if want := "#/components/schemas/" + k.schemaName; config.Ref != want {
				t.Fatalf("the member %s is %s, want %s", k.name, config.Ref, want)
			}
			attributes := allAttributes(k)
			checkSchema(t, k)
			checkDescriptions(t, attributes)
			checkMembers(t, config.Value, k, attributes)
			checkMembers(t, envelopeSchema(schemas), kind{attributes: envelopeInput()}, attributes)
			checkRoundTrip(t, k, config.Value)
			checkFiles(t, k)
		})
	}
	members := slices.Sorted(maps.Keys(schemas["DestinationConfig"].Value.Properties))
	if len(members) == 0 || !slices.Equal(names, members) {
		t.Errorf("destinationTypes has %v, the contract %v", names, members)
	}
}

// TestPages_NameThePermissions looks at what the documentation of every resource, data source and ephemeral resource
// begins with.
func TestPages_NameThePermissions(t *testing.T) {
	t.Parallel()
	p := New("test")().(provider.ProviderWithEphemeralResources)
	pages := map[string]string{}
	for _, newResource := range p.Resources(t.Context()) {
		var name resource.MetadataResponse
		var page resource.SchemaResponse
		newResource().Metadata(t.Context(), resource.MetadataRequest{}, &name)
		newResource().Schema(t.Context(), resource.SchemaRequest{}, &page)
		pages[name.TypeName] = page.Schema.MarkdownDescription
	}
	for _, newDataSource := range p.DataSources(t.Context()) {
		var name datasource.MetadataResponse
		var page datasource.SchemaResponse
		newDataSource().Metadata(t.Context(), datasource.MetadataRequest{}, &name)
		newDataSource().Schema(t.Context(), datasource.SchemaRequest{}, &page)
		pages["data."+name.TypeName] = page.Schema.MarkdownDescription
	}
	for _, newEphemeral := range p.EphemeralResources(t.Context()) {
		var name ephemeral.MetadataResponse
		var page ephemeral.SchemaResponse
		newEphemeral().Metadata(t.Context(), ephemeral.MetadataRequest{ProviderTypeName: "alertrouter"}, &name)
		newEphemeral().Schema(t.Context(), ephemeral.SchemaRequest{}, &page)
		pages["ephemeral."+name.TypeName] = page.Schema.MarkdownDescription
	}
	if pages["ephemeral.alertrouter_api_token"] == "" {
		t.Fatal("the pages of ephemeral resources are not checked")
	}
	for name, text := range pages {
		if !strings.Contains(text, "The token needs the permission") {
			t.Errorf("%s does not say which permission it needs", name)
		}
	}
}

func TestEnumerations_AreThoseOfTheContract(t *testing.T) {
	t.Parallel()
	schemas := contract(t)
	schemas["TokenInput.role"] = schemas["TokenInput"].Value.Properties["role"]
	for name, got := range map[string][]string{"Severity": severities, "AlertType": alertTypes, "Permission": permissions, "TokenInput.role": tokenRoles} {
		if want := fmt.Sprint(schemas[name].Value.Enum); fmt.Sprint(got) != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

func TestTokenSecret_IsThatOfTheContract(t *testing.T) {
	t.Parallel()
	if want := contract(t)["TokenInput"].Value.Properties["secret"].Value.Pattern; tokenSecret.String() != want {
		t.Errorf("got %s, want %s", tokenSecret, want)
	}
}

// envelopeSchema is DestinationInput without the config, which is another schema's.
func envelopeSchema(schemas openapi3.Schemas) *openapi3.Schema {
	input := *schemas["DestinationInput"].Value
	input.Properties = maps.Clone(input.Properties)
	delete(input.Properties, "config")
	input.Required = slices.DeleteFunc(slices.Clone(input.Required), func(name string) bool { return name == "config" })
	return &input
}

// envelopeInput is the envelope without what the server makes.
func envelopeInput() map[string]schema.Attribute {
	attributes := envelopeAttributes()
	maps.DeleteFunc(attributes, func(_ string, a schema.Attribute) bool { return a.IsComputed() && !a.IsOptional() })
	return attributes
}

func checkSchema(t *testing.T, k kind) {
	t.Helper()
	var resp resource.SchemaResponse
	newDestinationResource(k).Schema(t.Context(), resource.SchemaRequest{}, &resp)
	if diags := resp.Schema.ValidateImplementation(t.Context()); diags.HasError() {
		t.Errorf("the schema is not valid: %v", diags)
	}
	if resp.Schema.MarkdownDescription == "" {
		t.Error("the resource has no description")
	}
}

func checkDescriptions(t *testing.T, attributes map[string]schema.Attribute) {
	t.Helper()
	for name, a := range attributes {
		if a.GetMarkdownDescription() == "" {
			t.Errorf("%s has no description", name)
		}
	}
}

// checkMembers compares the attributes of k with the properties of a schema: names, defaults, what is required, and what is
// secret.
func checkMembers(t *testing.T, want *openapi3.Schema, k kind, all map[string]schema.Attribute) {
	t.Helper()
	var plain, secrets []string
	for name, property := range want.Properties {
		if property.Value.WriteOnly {
			secrets = append(secrets, name)
			continue
		}
		plain = append(plain, name)
		a := all[name]
		if a == nil {
			continue // reported below
		}
		if required := slices.Contains(want.Required, name); a.IsRequired() != required {
			t.Errorf("%s: required is %v, the contract says %v", name, a.IsRequired(), required)
		}
		if got := defaultOf(t.Context(), a); got != property.Value.Default {
			t.Errorf("%s: the default is %v, the contract says %v", name, got, property.Value.Default)
		}
		for _, word := range property.Value.Enum {
			if !strings.Contains(a.GetMarkdownDescription(), fmt.Sprintf("`%v`", word)) {
				t.Errorf("%s: the description does not list %v", name, word)
			}
		}
	}
	if got := slices.Sorted(maps.Keys(k.attributes)); !slices.Equal(got, slices.Sorted(slices.Values(plain))) {
		t.Errorf("the attributes are %v, the contract has %v", got, plain)
	}
	for _, s := range k.secrets {
		checkSecret(t, s, want, all)
	}
	if len(k.secrets) != len(secrets) {
		t.Errorf("there are %d secrets, the contract has %v", len(k.secrets), secrets)
	}
}

func checkSecret(t *testing.T, s secret, want *openapi3.Schema, all map[string]schema.Attribute) {
	t.Helper()
	property := want.Properties[s.name]
	if property == nil || !property.Value.WriteOnly {
		t.Errorf("%s is not a secret in the contract", s.name)
		return
	}
	if required := property.Value.Extensions["x-required-on-create"] == true; s.requiredOnCreate != required {
		t.Errorf("%s: required on create is %v, the contract says %v", s.name, s.requiredOnCreate, required)
	}
	if null := property.Value.Type.Includes("null"); null == s.requiredOnCreate {
		t.Errorf("%s: the contract's type includes null: %v; want it where the secret can be taken away, and only there", s.name, null)
	}
	if table := property.Value.Type.Includes("object"); (s.table != nil) != table || (s.text == nil) != table {
		t.Errorf("%s: want exactly one function, for a table: %v", s.name, table)
	}
	a := all[s.attribute()]
	if !a.IsSensitive() || !a.IsWriteOnly() || !a.IsOptional() || a.IsComputed() {
		t.Errorf("%s must be optional, sensitive and write-only", s.attribute())
	}
	if all[s.versionAttribute()] == nil {
		t.Errorf("%s is missing", s.versionAttribute())
	}
}

// defaultOf returns an attribute's default, nil if it has none.
func defaultOf(ctx context.Context, a schema.Attribute) any {
	switch a := a.(type) {
	case schema.StringAttribute:
		if a.Default != nil {
			var resp defaults.StringResponse
			a.Default.DefaultString(ctx, defaults.StringRequest{}, &resp)
			return resp.PlanValue.ValueString()
		}
	case schema.BoolAttribute:
		if a.Default != nil {
			var resp defaults.BoolResponse
			a.Default.DefaultBool(ctx, defaults.BoolRequest{}, &resp)
			return resp.PlanValue.ValueBool()
		}
	case schema.Int64Attribute:
		if a.Default != nil {
			var resp defaults.Int64Response
			a.Default.DefaultInt64(ctx, defaults.Int64Request{}, &resp)
			return float64(resp.PlanValue.ValueInt64())
		}
	}
	return nil
}

// checkRoundTrip fills a model, converts it to the API's type and back, and looks for every property on the way.
func checkRoundTrip(t *testing.T, k kind, want *openapi3.Schema) {
	t.Helper()
	m, back := k.newModel(), k.newModel()
	fields, envelopes := reflect.ValueOf(m).Elem(), reflect.TypeFor[envelope]()
	for _, f := range reflect.VisibleFields(fields.Type()) {
		if _, isEnvelope := envelopes.FieldByName(f.Name); !f.Anonymous && !isEnvelope {
			field := fields.FieldByIndex(f.Index)
			field.Set(reflect.ValueOf(sample(t, f.Name, field.Interface())))
		}
	}
	config := m.config()
	back.setConfig(config)
	if !reflect.DeepEqual(m, back) {
		t.Errorf("the model came back as\n%+v, not\n%+v", back, m)
	}
	raw, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]map[string]any
	if err := json.Unmarshal(raw, &members); err != nil || len(members) != 1 {
		t.Fatalf("config() is %s, want one member", raw)
	}
	for name, property := range want.Properties {
		if _, has := members[k.name][name]; has == property.Value.WriteOnly {
			t.Errorf("config() has %s: %v", name, has)
		}
	}
}

func sample(t *testing.T, name string, zero any) any {
	t.Helper()
	switch zero.(type) {
	case types.String:
		return types.StringValue("a " + name)
	case types.Bool:
		return types.BoolValue(true)
	case types.Int64:
		return types.Int64Value(7)
	case types.Float64:
		return types.Float64Value(0.5)
	case types.Map:
		return mapOf(map[string]string{"a": name})
	case types.Set:
		return setOf([]string{name})
	case types.List:
		return listOf([]string{name, "b"})
	}
	if list := reflect.TypeOf(zero); list.Kind() == reflect.Slice && list.Elem().Kind() == reflect.Struct {
		item := reflect.New(list.Elem()).Elem()
		for i := range item.NumField() {
			item.Field(i).Set(reflect.ValueOf(sample(t, list.Elem().Field(i).Name, item.Field(i).Interface())))
		}
		return reflect.Append(reflect.MakeSlice(list, 0, 1), item).Interface()
	}
	t.Fatalf("%s is a %T: teach this test to fill it", name, zero)
	return nil
}

func checkFiles(t *testing.T, k kind) {
	t.Helper()
	for _, file := range []string{
		"../examples/resources/alertrouter_destination_" + k.name + "/resource.tf",
		"../examples/resources/alertrouter_destination_" + k.name + "/import.sh",
		"../examples/resources/alertrouter_destination_" + k.name + "/setup.md",
		"../docs/resources/destination_" + k.name + ".md",
		"../docs/list-resources/destination_" + k.name + ".md",
	} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}
