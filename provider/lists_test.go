// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// What terraform query does with these lists is tested where there is a Terraform that has it: here it is the lists alone.

func TestAllItems_FollowsThePages(t *testing.T) {
	t.Parallel()
	asked := []string{}
	broken := errors.New("broken")
	ask := func(cursor *string) ([]string, *string, error) {
		at := "first"
		if cursor != nil {
			at = *cursor
		}
		asked = append(asked, at)
		switch at {
		case "first":
			return []string{"a", "b"}, new("second"), nil
		case "second":
			return nil, new("third"), nil
		case "third":
			return []string{"c"}, new("fourth"), nil
		}
		return nil, nil, broken
	}
	got := []string{}
	for item, err := range allItems(ask) {
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, *item)
	}
	if want := []string{"a", "b", "c", "broken"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	asked = nil
	next, stop := iter.Pull2(allItems(ask))
	if _, err, _ := next(); err != nil {
		t.Error(err)
	}
	stop()
	if !slices.Equal(asked, []string{"first"}) {
		t.Errorf("who wants one item asks for %v", asked)
	}
}

// listRequest is a request for a list with one argument, or none if the name is empty.
func listRequest(t *testing.T, l list.ListResource, r resource.ResourceWithIdentity, argument, value string) list.ListRequest {
	t.Helper()
	var config list.ListResourceSchemaResponse
	var data resource.SchemaResponse
	var identity resource.IdentitySchemaResponse
	l.ListResourceConfigSchema(t.Context(), list.ListResourceSchemaRequest{}, &config)
	if diags := config.Schema.ValidateImplementation(t.Context()); diags.HasError() || config.Schema.MarkdownDescription == "" {
		t.Errorf("the schema is not valid, or has no description: %v", diags)
	}
	r.Schema(t.Context(), resource.SchemaRequest{}, &data)
	r.IdentitySchema(t.Context(), resource.IdentitySchemaRequest{}, &identity)
	values := map[string]tftypes.Value{}
	for name := range config.Schema.Attributes {
		values[name] = tftypes.NewValue(tftypes.String, nil)
		if name == argument {
			values[name] = tftypes.NewValue(tftypes.String, value)
		}
	}
	return list.ListRequest{
		Config: tfsdk.Config{Schema: config.Schema, Raw: tftypes.NewValue(config.Schema.Type().TerraformType(t.Context()), values)},
		Limit:  100, ResourceSchema: data.Schema, ResourceIdentitySchema: identity.IdentitySchema,
	}
}

// names are the display names of what a list finds, and the diagnostics.
func names(t *testing.T, l list.ListResource, req list.ListRequest) []string {
	t.Helper()
	found := []string{}
	for _, result := range listed(t, l, req) {
		for _, d := range result.Diagnostics {
			found = append(found, d.Summary()+": "+d.Detail())
		}
		if len(result.Diagnostics) == 0 {
			found = append(found, result.DisplayName)
		}
	}
	return found
}

func listed(t *testing.T, l list.ListResource, req list.ListRequest) []list.ListResult {
	t.Helper()
	var stream list.ListResultsStream
	l.List(t.Context(), req, &stream)
	return slices.Collect(stream.Results)
}

func testClient(t *testing.T) *client.ClientWithResponses {
	t.Helper()
	s := servertest.Start(t)
	api, err := client.New(s.URL, s.Token)
	if err != nil {
		t.Fatal(err)
	}
	return api
}

func TestDestinationList_FindsThoseOfItsType(t *testing.T) {
	t.Parallel()
	api := testClient(t)
	for name, config := range map[string]client.DestinationConfig{
		"SOC on-call": {Slack: &client.SlackConfig{WebhookURL: nullable.NewNullableWithValue("https://hooks.slack.com/services/T0/B0/0")}},
		"soc Ünï":     {Slack: &client.SlackConfig{WebhookURL: nullable.NewNullableWithValue("https://hooks.slack.com/services/T0/B0/0"), Mention: new("@here")}},
		"Legal":       {Slack: &client.SlackConfig{WebhookURL: nullable.NewNullableWithValue("https://hooks.slack.com/services/T0/B0/0")}},
		"SOAR":        {Webhook: &client.WebhookConfig{URL: new("https://soar.example.com")}},
	} {
		if _, err := client.Created(api.CreateDestinationWithResponse(t.Context(), nil, client.DestinationInput{DisplayName: name, Severities: []client.Severity{"LOW"}, Config: config})); err != nil {
			t.Fatal(err)
		}
	}
	r := newDestinationResource(slackKind)
	l := newDestinationList(slackKind).(*destinationList)
	l.configure(&session{api: api})
	for _, c := range []struct {
		part  string
		limit int64
		want  []string
	}{
		{"", 100, []string{"Legal", "SOC on-call", "soc Ünï"}},
		{"SOC", 100, []string{"SOC on-call", "soc Ünï"}},
		{"üNÏ", 100, []string{"soc Ünï"}},
		{"nobody", 100, []string{}},
		{"", 2, []string{"Legal", "SOC on-call"}},
		{"soc", 1, []string{"SOC on-call"}},
	} {
		req := listRequest(t, l, r, "display_name_contains", c.part)
		req.Limit = c.limit
		if got := names(t, l, req); !slices.Equal(got, c.want) {
			t.Errorf("%q, at most %d: got %v, want %v", c.part, c.limit, got, c.want)
		}
	}

	req := listRequest(t, l, r, "display_name_contains", "ü")
	req.IncludeResource = true
	result := listed(t, l, req)[0]
	d, err := client.OK(api.ListDestinationsWithResponse(t.Context(), &client.ListDestinationsParams{DisplayName: new("soc ünï")}))
	if err != nil {
		t.Fatal(err)
	}
	var id, mention, resourceID types.String
	result.Identity.GetAttribute(t.Context(), path.Root("id"), &id)
	result.Resource.GetAttribute(t.Context(), path.Root("id"), &resourceID)
	result.Resource.GetAttribute(t.Context(), path.Root("mention"), &mention)
	if want := d.Items[0].ID; id.ValueString() != want || resourceID.ValueString() != want || mention.ValueString() != "@here" {
		t.Errorf("got %s, %s and %s, want twice %s, and @here", id, resourceID, mention, want)
	}
}

func TestOverrideList_FindsAll(t *testing.T) {
	t.Parallel()
	api := testClient(t)
	for i := range 3 {
		if _, err := client.OK(api.PutOverrideWithResponse(t.Context(), fmt.Sprint("detection ", i), nil, client.OverrideInput{Destinations: &[]string{}})); err != nil {
			t.Fatal(err)
		}
	}
	l := newOverrideList().(*overrideList)
	l.configure(&session{api: api})
	req := listRequest(t, l, &detectionOverride{}, "", "")
	req.IncludeResource = true
	if got, want := names(t, l, req), []string{"detection 0", "detection 1", "detection 2"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	var m overrideModel
	var id types.String
	last := listed(t, l, req)[2]
	last.Identity.GetAttribute(t.Context(), path.Root("detection_id"), &id)
	if diags := last.Resource.Get(t.Context(), &m); diags.HasError() || m.DetectionID != id || id.ValueString() != "detection 2" || m.Destinations.IsNull() {
		t.Errorf("got %s and %+v (%v)", id, m, diags)
	}
}

func TestLists_SayWhatFails(t *testing.T) {
	t.Parallel()
	api, err := client.New(servertest.Start(t).URL, "unknown")
	if err != nil {
		t.Fatal(err)
	}
	destinations, overrides := newDestinationList(slackKind).(*destinationList), newOverrideList().(*overrideList)
	check := func(want string) {
		t.Helper()
		for _, got := range [][]string{
			names(t, destinations, listRequest(t, destinations, newDestinationResource(slackKind), "", "")),
			names(t, overrides, listRequest(t, overrides, &detectionOverride{}, "", "")),
		} {
			if len(got) != 1 || !strings.Contains(got[0], want) {
				t.Errorf("got %q, want one error with %q", got, want)
			}
		}
	}
	check("The provider is not configured yet")
	destinations.configure(&session{api: api})
	overrides.configure(&session{api: api})
	check("The control plane does not know the token")
}

// TestLists_HaveTheNamesOfTheirResources also holds what every list's page says to the rule for pages.
func TestLists_HaveTheNamesOfTheirResources(t *testing.T) {
	t.Parallel()
	p := &alertrouterProvider{}
	typeNames := func(metadata func(*resource.MetadataResponse)) string {
		var resp resource.MetadataResponse
		metadata(&resp)
		return resp.TypeName
	}
	req := resource.MetadataRequest{ProviderTypeName: "alertrouter"}
	want, got := []string{}, []string{}
	for _, k := range destinationTypes {
		want = append(want, "alertrouter_destination_"+k.name)
	}
	want = append(want, "alertrouter_detection_override")
	for _, newList := range p.ListResources(t.Context()) {
		l := newList()
		got = append(got, typeNames(func(resp *resource.MetadataResponse) { l.Metadata(t.Context(), req, resp) }))
		var page list.ListResourceSchemaResponse
		l.ListResourceConfigSchema(t.Context(), list.ListResourceSchemaRequest{}, &page)
		if !strings.Contains(page.Schema.MarkdownDescription, "The token needs the permission") {
			t.Errorf("%s does not say which permission it needs", got[len(got)-1])
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("there are lists of %v, want %v", got, want)
	}
}
