// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// The words of the contract's enumerations.
var (
	severities = []string{"INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"}
	alertTypes = []string{
		"RULE", "RULE_ERROR", "POLICY", "SCHEDULED_RULE", "SCHEDULED_RULE_ERROR", "CORRELATION_RULE",
		"CORRELATION_RULE_ERROR", "SYSTEM_ERROR",
	}
)

// describe returns what the contract says of a schema's member, such as "SlackConfig.mention", followed by what only
// matters in Terraform.
func describe(key string, more ...string) string {
	text, ok := descriptions[key]
	if !ok {
		panic("the contract does not describe " + key)
	}
	return strings.Join(append([]string{text}, more...), " ")
}

// oneOf describes an enumeration.
func oneOf(words []string) string {
	return "One of `" + strings.Join(words, "`, `") + "`."
}

// membersOf returns the attributes of a resource's data, which are not to be changed.
func membersOf(raw tftypes.Value, diags *diag.Diagnostics) map[string]tftypes.Value {
	var members map[string]tftypes.Value
	if err := raw.As(&members); err != nil {
		diags.AddError("The data cannot be read", err.Error())
	}
	return members
}

// valueOf is one of them as the framework has it. It is for what every plan does to every resource: the framework's own
// way to an attribute goes through the whole of the data for each.
func valueOf[T attr.Value](ctx context.Context, t attr.Type, v tftypes.Value, diags *diag.Diagnostics) T {
	value, err := t.ValueFromTerraform(ctx, v)
	if err != nil {
		diags.AddError("The data cannot be read", err.Error())
	}
	typed, _ := value.(T) // it is nil after an error
	return typed
}

// textsOf returns the strings of a set or list whose elements are known; never nil.
func textsOf[T ~string](collection interface{ Elements() []attr.Value }) []T {
	texts := []T{}
	for _, element := range collection.Elements() {
		texts = append(texts, T(element.(types.String).ValueString()))
	}
	return texts
}

func valuesOf[T ~string](texts []T) []attr.Value {
	values := []attr.Value{}
	for _, text := range texts {
		values = append(values, types.StringValue(string(text)))
	}
	return values
}

func setOf[T ~string](texts []T) types.Set {
	return types.SetValueMust(types.StringType, valuesOf(texts))
}

func listOf[T ~string](texts []T) types.List {
	return types.ListValueMust(types.StringType, valuesOf(texts))
}

// setUnlessEmpty is for members that mean "all" when they are empty: null says that in Terraform.
func setUnlessEmpty[T ~string](texts []T) types.Set {
	if len(texts) == 0 {
		return types.SetNull(types.StringType)
	}
	return setOf(texts)
}

// listUnlessEmpty is for members that are absent when they are empty.
func listUnlessEmpty[T ~string](texts []T) types.List {
	if len(texts) == 0 {
		return types.ListNull(types.StringType)
	}
	return listOf(texts)
}

func mapOf(texts map[string]string) types.Map {
	values := map[string]attr.Value{}
	for name, text := range texts {
		values[name] = types.StringValue(text)
	}
	return types.MapValueMust(types.StringType, values)
}

// mapUnlessEmpty is for members that are absent when they are empty.
func mapUnlessEmpty(texts map[string]string) types.Map {
	if len(texts) == 0 {
		return types.MapNull(types.StringType)
	}
	return mapOf(texts)
}

// tableOf returns the members of a map whose elements are known; nil when there are none.
func tableOf(m types.Map) map[string]string {
	if len(m.Elements()) == 0 {
		return nil
	}
	texts := map[string]string{}
	for name, element := range m.Elements() {
		texts[name] = element.(types.String).ValueString()
	}
	return texts
}

// pointerTo converts an optional text to one of the contract's named strings; null is nil.
func pointerTo[T ~string](v types.String) *T {
	if v.IsNull() {
		return nil
	}
	text := T(v.ValueString())
	return &text
}

// textOf is the way back.
func textOf[T ~string](p *T) types.String {
	if p == nil {
		return types.StringNull()
	}
	return types.StringValue(string(*p))
}

// numberOf is the number that its shortest decimal form names, as Terraform reads it in a configuration and in a state.
// The binary number nearest to 0.1 is another than 0.1 there: a plan with both would show an update.
func numberOf(p *float64) types.Float64 {
	if p == nil {
		return types.Float64Null()
	}
	decimal, _, err := big.ParseFloat(strconv.FormatFloat(*p, 'g', -1, 64), 10, 512, big.ToNearestEven)
	if err != nil {
		panic(err) // JSON has no number that is none
	}
	value, err := types.Float64Type.ValueFromTerraform(context.Background(), tftypes.NewValue(tftypes.Number, decimal))
	if err != nil {
		panic(err) // it is a number
	}
	return value.(types.Float64)
}

func timeOf(t time.Time) types.String {
	return types.StringValue(t.UTC().Format(time.RFC3339Nano))
}

// duration accepts a positive Go duration such as "30s".
type duration struct{}

func (duration) Description(context.Context) string {
	return "must be a positive duration such as 30s or 2m"
}

func (d duration) MarkdownDescription(ctx context.Context) string { return d.Description(ctx) }

func (d duration) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if got, err := time.ParseDuration(req.ConfigValue.ValueString()); err != nil || got <= 0 {
		resp.Diagnostics.AddAttributeError(req.Path, "The duration is not valid",
			fmt.Sprintf("%q %s.", req.ConfigValue.ValueString(), d.Description(ctx)))
	}
}
