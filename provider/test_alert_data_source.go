// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// defaultTestTimeout is longer than most destinations need, and short enough for a plan.
const defaultTestTimeout = 30 * time.Second

// testAlertDataSource is the data source alertrouter_test_alert. Terraform reads it in every plan and apply; the key
// it sends makes the server deliver once for the same arguments, and answer from memory after that.
type testAlertDataSource struct{ dataSourceCaller }

func newTestAlertDataSource() datasource.DataSource { return &testAlertDataSource{} }

type testAlertModel struct {
	DestinationID       types.String `tfsdk:"destination_id"`
	DestinationRevision types.Int64  `tfsdk:"destination_revision"`
	Triggers            types.Map    `tfsdk:"triggers"`
	Severity            types.String `tfsdk:"severity"`
	AlertType           types.String `tfsdk:"alert_type"`
	Timeout             types.String `tfsdk:"timeout"`
	FailOnError         types.Bool   `tfsdk:"fail_on_error"`

	ID          types.String  `tfsdk:"id"`
	Delivered   types.Bool    `tfsdk:"delivered"`
	Status      types.String  `tfsdk:"status"`
	HTTPStatus  types.Int64   `tfsdk:"http_status"`
	Error       types.String  `tfsdk:"error"`
	AttemptedAt types.String  `tfsdk:"attempted_at"`
	FromCache   types.Bool    `tfsdk:"from_cache"`
	LatencyMs   types.Float64 `tfsdk:"latency_ms"`
}

func (s *testAlertDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_test_alert"
}

func (s *testAlertDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Sends a test alert to a destination and tells what came of it.\n\n" +
			"Terraform reads a data source in every plan and apply. The alert is nevertheless sent **once** for the same arguments: after that the control plane answers with " +
			"the stored result. Refer to the destination's `revision` to test it again after every change, and use `triggers` to test it again for reasons of your own. " +
			"A failed result is forgotten after a minute.\n\n" +
			"The token needs the permission `destinations:write`, also to plan.",
		Attributes: map[string]schema.Attribute{
			"destination_id": schema.StringAttribute{
				Required:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
				MarkdownDescription: "The destination's id.",
			},
			"destination_revision": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "The destination's `revision`: another one sends again, and does so after the change is applied.",
			},
			"triggers": schema.MapAttribute{
				Optional:            true,
				ElementType:         types.StringType,
				MarkdownDescription: "Any values; when one changes, the alert is sent again.",
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
				MarkdownDescription: "Whether an alert that is not delivered is an error rather than a warning. While the destination is broken, the error stops every plan and destroy of the " +
					"configuration, even one that has nothing to do with it; a `check` of `delivered` does not. See the guide [Testing that alerts arrive](../guides/testing) for the ways out. Defaults to `false`.",
			},
			"id":           schema.StringAttribute{Computed: true, MarkdownDescription: "The key that makes the test happen once: a hash of the arguments."},
			"delivered":    schema.BoolAttribute{Computed: true, MarkdownDescription: describe("TestResult.delivered")},
			"status":       schema.StringAttribute{Computed: true, MarkdownDescription: describe("TestResult.status", "`DELIVERED`; `PERMANENT`: refused for good; `RETRY` or `WAIT`: a real alert would be tried again; `AMBIGUOUS`: no result came in time.")},
			"http_status":  schema.Int64Attribute{Computed: true, MarkdownDescription: describe("TestResult.http_status")},
			"error":        schema.StringAttribute{Computed: true, MarkdownDescription: describe("TestResult.error")},
			"attempted_at": schema.StringAttribute{Computed: true, MarkdownDescription: describe("TestResult.attempted_at")},
			"from_cache":   schema.BoolAttribute{Computed: true, MarkdownDescription: describe("TestResult.from_cache", "It differs between the first reading and the next: an output that shows it changes.")},
			"latency_ms":   schema.Float64Attribute{Computed: true, MarkdownDescription: describe("TestResult.latency_ms")},
		},
	}
}

// Read sends the test alert, or learns what came of it before.
func (s *testAlertDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m testAlertModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || !s.ready(&resp.Diagnostics) {
		return
	}
	m.ID = types.StringValue(m.key())
	timeout := testTimeout(m.Timeout)
	result := s.test(ctx, &resp.Diagnostics, m.DestinationID.ValueString(), timeout, client.TestInput{
		Severity:       pointerTo[client.Severity](m.Severity),
		AlertType:      pointerTo[client.AlertType](m.AlertType),
		IdempotencyKey: m.ID.ValueStringPointer(),
	})
	if resp.Diagnostics.HasError() {
		return
	}
	if result != nil {
		m.setFrom(result)
	} else {
		m.setLate(timeout)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	if !m.Delivered.ValueBool() {
		addUndelivered(&resp.Diagnostics, m.FailOnError.ValueBool(), m.DestinationID, m.Error, m.Status)
	}
}

// testTimeout is how long to wait for a test's result.
func testTimeout(configured types.String) time.Duration {
	if configured.IsNull() {
		return defaultTestTimeout
	}
	timeout, _ := time.ParseDuration(configured.ValueString()) // the validator has read it before
	return timeout
}

// test has the control plane send a test alert. The result is nil when none came in time, and when diags has an error.
func (c *caller) test(ctx context.Context, diags *diag.Diagnostics, id string, timeout time.Duration, input client.TestInput) *client.TestResult {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	result, err := client.OK(c.api.TestDestinationWithResponse(waiting, id, input))
	switch {
	case err == nil:
		return result
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
	default:
		c.report(ctx, diags, "test the destination "+id, err, testAlertAttribute)
	}
	return nil
}

// addUndelivered says that a test alert did not arrive, as an error or as a warning.
func addUndelivered(diags *diag.Diagnostics, fail bool, id, reason, status types.String) {
	summary := "The test alert was not delivered"
	detail := fmt.Sprintf("Destination %s: %s (%s).", id.ValueString(), reason.ValueString(), status.ValueString())
	if fail {
		diags.AddError(summary, detail)
		return
	}
	diags.AddWarning(summary, detail)
}

// key is a hash of everything that makes a test another test.
func (m *testAlertModel) key() string {
	arguments, err := json.Marshal([]any{
		m.DestinationID.ValueString(), m.DestinationRevision.ValueInt64(), tableOf(m.Triggers), m.Severity.ValueString(), m.AlertType.ValueString(),
	})
	if err != nil {
		panic(err) // strings, numbers and maps of strings can always be marshalled
	}
	sum := sha256.Sum256(arguments)
	return hex.EncodeToString(sum[:])
}

func (m *testAlertModel) setFrom(result *client.TestResult) {
	m.Delivered = types.BoolValue(result.Delivered)
	m.Status = types.StringValue(string(result.Status))
	if result.HTTPStatus != nil {
		m.HTTPStatus = types.Int64Value(int64(*result.HTTPStatus))
	}
	m.Error = types.StringPointerValue(result.Error)
	m.AttemptedAt = timeOf(result.AttemptedAt)
	m.FromCache = types.BoolValue(result.FromCache)
	m.LatencyMs = types.Float64Value(result.LatencyMs)
}

// setLate is for a test whose result did not come in time.
func (m *testAlertModel) setLate(timeout time.Duration) {
	m.Delivered = types.BoolValue(false)
	m.Status = types.StringValue(string(client.TestResultStatusAMBIGUOUS))
	m.Error = types.StringValue(lateText(timeout))
	m.FromCache = types.BoolValue(false)
}

func lateText(timeout time.Duration) string { return fmt.Sprintf("no result within %s", timeout) }

// testAlertAttribute points at the arguments a refusal can be about.
func testAlertAttribute(pointer string) (path.Path, bool) {
	switch pointer {
	case "":
		return path.Root("destination_id"), true
	case "/severity":
		return path.Root("severity"), true
	case "/alert_type":
		return path.Root("alert_type"), true
	}
	return path.Empty(), false
}
