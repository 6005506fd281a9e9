// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
)

// routeFunction is the function route: the control plane's own decision, without a control plane.
type routeFunction struct{}

func newRouteFunction() function.Function { return routeFunction{} }

// Metadata names the function.
func (routeFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "route"
}

// Definition takes objects of any shape, since a user's may leave members out; reading them tells what is wrong.
func (routeFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Where an alert would go, and why",
		MarkdownDescription: "Decides as a control plane would that has these destinations and overrides, and needs none: it runs the same code. " +
			"It works in `terraform test`, in the validation of variables, in `check` blocks, in outputs, and at plan, before anything exists.",
		Parameters: []function.Parameter{
			function.DynamicParameter{
				Name:               "alert",
				AllowUnknownValues: true,
				MarkdownDescription: "An alert as a detection engine sends it, of which routing looks at `type`, `log_types`, `detection.id`, `detection.severity`, `detection.destinations`, " +
					"`generated.severity` and `generated.destinations`. Required are `type`, `detection.id` and `detection.severity`. Whatever else an alert can have may be there; what it cannot have is an error.",
			},
			function.DynamicParameter{
				Name:               "destinations",
				AllowUnknownValues: true,
				MarkdownDescription: "The destinations, as a list, set or map: resources, what the data sources tell, or objects of your own. Required are `display_name` and `severities`; " +
					"`id`, `type`, `enabled`, `alert_types`, `log_types` and `allow_manual_dispatch` may be left out and then are what they are on the control plane.",
			},
		},
		VariadicParameter: function.DynamicParameter{
			Name:                "overrides",
			AllowNullValue:      true,
			AllowUnknownValues:  true,
			MarkdownDescription: "The overrides, as a list, set or map of resources or of objects with `detection_id`, `severity` and `destinations`. It may be left out or null, and it may be given more than once.",
		},
		Return: function.ObjectReturn{AttributeTypes: routeTypes},
	}
}

var (
	textsType           = types.ListType{ElemType: types.StringType}
	chosenTypes         = map[string]attr.Type{"id": types.StringType, "display_name": types.StringType, "type": types.StringType}
	warningTypes        = map[string]attr.Type{"code": types.StringType, "message": types.StringType}
	routeRejectionTypes = map[string]attr.Type{
		"id": types.StringType, "display_name": types.StringType, "type": types.StringType,
		"filter": types.StringType, "wants": textsType, "got": textsType, "message": types.StringType,
	}

	// routeTypes are those of the function's result: what the data source tells as well.
	routeTypes = map[string]attr.Type{
		"scenario":     types.StringType,
		"severity":     types.StringType,
		"destinations": types.ListType{ElemType: types.ObjectType{AttrTypes: chosenTypes}},
		"warnings":     types.ListType{ElemType: types.ObjectType{AttrTypes: warningTypes}},
		"rejected":     types.ListType{ElemType: types.ObjectType{AttrTypes: routeRejectionTypes}},
	}
)

// routeResult is the function's result.
type routeResult struct {
	Scenario     types.String       `tfsdk:"scenario"`
	Severity     types.String       `tfsdk:"severity"`
	Destinations []routeDestination `tfsdk:"destinations"`
	Warnings     []routeWarning     `tfsdk:"warnings"`
	Rejected     []routeRejection   `tfsdk:"rejected"`
}

// Run decides. What is wrong with an argument is told of all its members at once.
func (routeFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var given, destinations types.Dynamic
	var overrides types.Tuple
	if resp.Error = req.Arguments.Get(ctx, &given, &destinations, &overrides); resp.Error != nil {
		return
	}
	var p policy
	for i, argument := range append([]attr.Value{given, destinations}, overrides.Elements()...) {
		value, err := argument.ToTerraformValue(ctx)
		if err != nil {
			resp.Error = function.NewArgumentFuncError(int64(i), err.Error())
			return
		}
		r := &reader{}
		switch i {
		case 0:
			p.alert = r.alert("alert", value)
		case 1:
			p.destinations, p.unknownDestinations = r.destinations("destinations", value)
		default:
			p.addOverrides(r, "overrides", value)
		}
		if len(r.faults) > 0 {
			resp.Error = function.NewArgumentFuncError(int64(i), strings.Join(r.faults, ".\n"))
			return
		}
	}
	decided, ok := p.decide()
	if !ok {
		resp.Error = resp.Result.Set(ctx, types.ObjectUnknown(routeTypes))
		return
	}
	resp.Error = resp.Result.Set(ctx, p.result(decided))
}

// result puts the ids and types in that the destinations were given, which may be unknown or null.
func (p *policy) result(decided route.Route) routeResult {
	result := routeResult{
		Scenario: types.StringValue(string(decided.Scenario)), Severity: types.StringValue(string(decided.Severity)),
		Destinations: []routeDestination{}, Warnings: []routeWarning{}, Rejected: []routeRejection{},
	}
	given := map[string]policyDestination{}
	for _, d := range p.destinations {
		given[d.ID] = d
	}
	for _, c := range decided.Destinations {
		d := given[c.ID]
		result.Destinations = append(result.Destinations, routeDestination{
			ID: d.id.text(), DisplayName: types.StringValue(c.DisplayName), Type: d.kind.text(),
		})
	}
	for _, w := range decided.Warnings {
		result.Warnings = append(result.Warnings, routeWarning{Code: types.StringValue(string(w.Code)), Message: types.StringValue(w.Message)})
	}
	for _, r := range decided.Rejected {
		d := given[r.ID]
		result.Rejected = append(result.Rejected, routeRejection{
			ID: d.id.text(), DisplayName: types.StringValue(r.DisplayName), Type: d.kind.text(),
			Filter: types.StringValue(string(r.Filter)), Wants: listOf(r.Wants), Got: listOf(r.Got), Message: types.StringValue(r.Message),
		})
	}
	return result
}

// placeholder stands for an id that is unknown or null. No list can name it.
func placeholder(n int) string { return fmt.Sprintf("\x00%d", n) }
