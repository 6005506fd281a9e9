// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// sendTestAlert is the action alertrouter_send_test_alert. Terraform invokes it after a change or when told to, never to
// plan, so that each invocation sends.
type sendTestAlert struct{ actionCaller }

func newSendTestAlert() action.Action { return &sendTestAlert{} }

type sendTestAlertModel struct {
	DestinationID types.String `tfsdk:"destination_id"`
	Severity      types.String `tfsdk:"severity"`
	AlertType     types.String `tfsdk:"alert_type"`
	Timeout       types.String `tfsdk:"timeout"`
	FailOnError   types.Bool   `tfsdk:"fail_on_error"`
}

// Metadata names the action.
func (a *sendTestAlert) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_send_test_alert"
}

// Schema is that of the data source alertrouter_test_alert, less what makes that send only once.
func (a *sendTestAlert) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Sends a test alert to a destination each time it is invoked. The token needs the permission `destinations:write`.",
		Attributes: map[string]schema.Attribute{
			"destination_id": schema.StringAttribute{
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
				MarkdownDescription: "The destination's id.",
			},
			"severity": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{stringvalidator.OneOf(severities...)},
				MarkdownDescription: describe("TestInput.severity", oneOf(severities)),
			},
			"alert_type": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{stringvalidator.OneOf(alertTypes...)},
				MarkdownDescription: describe("TestInput.alert_type", oneOf(alertTypes)),
			},
			"timeout": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{duration{}},
				MarkdownDescription: "How long to wait for the result, such as `10s`. Defaults to `30s`.",
			},
			"fail_on_error": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether an alert that is not delivered is an error rather than a warning. The error comes after the destination was changed and ends the apply; " +
					"it stops no later plan. Defaults to `true`.",
			},
		},
	}
}

// Invoke sends. The key is of this invocation alone: what asks again on its behalf gets its result and sends nothing.
func (a *sendTestAlert) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var m sendTestAlertModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || !a.ready(&resp.Diagnostics) {
		return
	}
	progress := func(format string, args ...any) {
		resp.SendProgress(action.InvokeProgressEvent{Message: fmt.Sprintf(format, args...)})
	}
	timeout := testTimeout(m.Timeout)
	progress("Sending a test alert to the destination %s", m.DestinationID.ValueString())
	result := a.test(ctx, &resp.Diagnostics, m.DestinationID.ValueString(), timeout, client.TestInput{
		Severity:       pointerTo[client.Severity](m.Severity),
		AlertType:      pointerTo[client.AlertType](m.AlertType),
		IdempotencyKey: new(rand.Text()),
	})
	fail := m.FailOnError.IsNull() || m.FailOnError.ValueBool()
	switch {
	case resp.Diagnostics.HasError():
	case result == nil:
		addUndelivered(&resp.Diagnostics, fail, m.DestinationID, types.StringValue(lateText(timeout)), types.StringValue(string(client.TestResultStatusAMBIGUOUS)))
	case !result.Delivered:
		addUndelivered(&resp.Diagnostics, fail, m.DestinationID, types.StringPointerValue(result.Error), types.StringValue(string(result.Status)))
	default:
		progress("Delivered in %.0f ms", result.LatencyMs)
	}
}
