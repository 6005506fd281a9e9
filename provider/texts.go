// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// noControl matches text of one line.
var noControl = regexp.MustCompile(`^\P{Cc}*$`)

// oneLine accepts a text of one line, of up to a number of characters, without space around it.
func oneLine(most int) []validator.String {
	return []validator.String{
		stringvalidator.UTF8LengthBetween(1, most),
		stringvalidator.RegexMatches(noControl, "must be one line, without control characters"),
		stringvalidator.RegexMatches(trimmed, "must not begin or end with space"),
	}
}

// detailValidators accept texts by name that a vendor shows beside an alert's own.
func detailValidators(most int) []validator.Map {
	return []validator.Map{
		mapvalidator.SizeAtLeast(1),
		mapvalidator.NoNullValues(),
		mapvalidator.KeysAre(oneLine(most)...),
		mapvalidator.ValueStringsAre(oneLine(most)...),
	}
}

// bySeverity accepts a map with severities as keys.
func bySeverity(value ...validator.String) []validator.Map {
	return []validator.Map{
		mapvalidator.SizeAtLeast(1),
		mapvalidator.NoNullValues(),
		mapvalidator.KeysAre(stringvalidator.OneOf(severities...)),
		mapvalidator.ValueStringsAre(value...),
	}
}

// digits accepts an id of up to a number of digits; message says whose.
func digits(most int, message string) validator.String {
	return stringvalidator.RegexMatches(regexp.MustCompile(fmt.Sprintf(`^[0-9]{1,%d}$`, most)), message)
}

// optionalText is an attribute of one text, which the contract describes under a key.
func optionalText(key string, form ...validator.String) schema.StringAttribute {
	return schema.StringAttribute{Optional: true, Validators: form, MarkdownDescription: describe(key)}
}

// beginsCertificate stands before each certificate in PEM.
var beginsCertificate = regexp.MustCompile(`-----BEGIN CERTIFICATE-----`)

// certificates is an attribute of certificates in PEM. The server looks closer when the plan is made.
func certificates(key string) schema.StringAttribute {
	return schema.StringAttribute{
		Optional: true,
		Validators: []validator.String{
			stringvalidator.LengthBetween(1, 64<<10),
			stringvalidator.RegexMatches(beginsCertificate, "must be certificates in PEM"),
		},
		MarkdownDescription: describe(key, "It is public."),
	}
}

// optionalTexts is an attribute of up to a number of texts, in no order.
func optionalTexts(key string, most int, form ...validator.String) schema.SetAttribute {
	return schema.SetAttribute{
		Optional:            true,
		ElementType:         types.StringType,
		Validators:          []validator.Set{setvalidator.SizeBetween(1, most), setvalidator.NoNullValues(), setvalidator.ValueStringsAre(form...)},
		MarkdownDescription: describe(key),
	}
}

// jsonObject accepts the text of a JSON object, whose names a validator may have to accept too.
type jsonObject struct{ names validator.String }

func (v jsonObject) Description(ctx context.Context) string {
	if v.names != nil {
		return "must be the text of a JSON object, as jsonencode makes of one; each name in it " + v.names.Description(ctx)
	}
	return "must be the text of a JSON object, as jsonencode makes of one"
}

func (v jsonObject) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v jsonObject) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(req.ConfigValue.ValueString()), &members); err != nil || members == nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Not a JSON object", "The value "+v.Description(ctx)+".")
		return
	}
	if v.names == nil {
		return
	}
	for name := range members {
		of := validator.StringRequest{Path: req.Path, PathExpression: req.PathExpression, Config: req.Config, ConfigValue: types.StringValue(name)}
		v.names.ValidateString(ctx, of, resp)
	}
}

// sameJSON plans no change of a text whose JSON says what the prior one does: of an import, the state has the text that
// was sent, and jsonencode writes another.
type sameJSON struct{}

func (sameJSON) Description(context.Context) string {
	return "White space and the order of names are no change."
}

func (m sameJSON) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

func (sameJSON) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	was, is := jsonOf(req.StateValue), jsonOf(req.PlanValue)
	if was != nil && reflect.DeepEqual(was, is) {
		resp.PlanValue = req.StateValue
	}
}

// jsonOf reads a text, with its numbers as they are written; it is nil where the text is not known or no JSON.
func jsonOf(text types.String) (value any) {
	decoder := json.NewDecoder(strings.NewReader(text.ValueString()))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return nil
	}
	return value
}

// webAddress accepts a URL that the server will.
var webAddress = []validator.String{stringvalidator.LengthBetween(1, 2048), webURL{}}

// webURL accepts what the server will: a URL of the web with a host and without user and password.
type webURL struct{}

func (webURL) Description(context.Context) string {
	return "must be a URL with https:// or http://, a host, and no user name or password"
}

func (v webURL) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (v webURL) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	u, err := url.Parse(req.ConfigValue.ValueString())
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "The URL is not valid", req.Path.String()+" "+v.Description(ctx)+".")
	}
}
