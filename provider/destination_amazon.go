// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"regexp"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/resourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// amazonAccess is the part of the model of a destination at AWS that says who calls, and where.
type amazonAccess struct {
	AccessKeyID     types.String `tfsdk:"access_key_id"`
	Profile         types.String `tfsdk:"profile"`
	RoleARN         types.String `tfsdk:"role_arn"`
	ExternalID      types.String `tfsdk:"external_id"`
	RoleSessionName types.String `tfsdk:"role_session_name"`
	Region          types.String `tfsdk:"region"`
	EndpointURL     types.String `tfsdk:"endpoint_url"`
	STSEndpointURL  types.String `tfsdk:"sts_endpoint_url"`
}

// The forms of AWS's names, which the server checks as well.
const amazonRegion = `[a-z]{2,8}(-[a-z]{2,16}){1,3}-[1-9][0-9]?`

var (
	amazonRegionForm  = regexp.MustCompile(`^` + amazonRegion + `$`)
	amazonKeyForm     = regexp.MustCompile(`^\w{1,128}$`)
	amazonProfileForm = regexp.MustCompile(`^[^\s\x00-\x1f\x7f\[\]]{1,255}$`)
	amazonRoleForm    = regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::\d{12}:role/(?:[!-~]{1,510}/)?[\w+=,.@-]{1,64}$`)
	amazonExternalID  = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
	amazonSessionForm = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	amazonGroupForm   = regexp.MustCompile(`^[!-~]{1,128}$`)
)

// amazonAttributes are the attributes of an access and those that topics and queues have in common. maximum is how large
// a message is by default.
func amazonAttributes(schemaName string, maximum int64) map[string]schema.Attribute {
	withRole := stringvalidator.AlsoRequires(path.MatchRoot("role_arn"))
	text := func(name string, more ...validator.String) schema.Attribute {
		return optionalText(schemaName+"."+name, more...)
	}
	return map[string]schema.Attribute{
		"access_key_id": text("access_key_id", stringvalidator.RegexMatches(amazonKeyForm, "must be the id of an access key")),
		"profile": text("profile", stringvalidator.RegexMatches(amazonProfileForm,
			"must be the name of a profile: up to 255 characters without spaces, brackets or control characters")),
		"role_arn": text("role_arn", stringvalidator.LengthBetween(20, 2048),
			stringvalidator.RegexMatches(amazonRoleForm, "must be the ARN of a role, such as arn:aws:iam::123456789012:role/alerts")),
		"external_id": text("external_id", withRole, stringvalidator.LengthBetween(2, 1224),
			stringvalidator.RegexMatches(amazonExternalID, "must be letters, digits and _+=,.@:/-")),
		"role_session_name": text("role_session_name", withRole,
			stringvalidator.RegexMatches(amazonSessionForm, "must be 2 to 64 letters, digits and _+=,.@-")),
		"region":           text("region", stringvalidator.RegexMatches(amazonRegionForm, "must be a region such as us-east-1")),
		"endpoint_url":     text("endpoint_url", webAddress...),
		"sts_endpoint_url": text("sts_endpoint_url", append(slices.Clone(webAddress), withRole)...),
		"message_group_id": text("message_group_id", stringvalidator.RegexMatches(amazonGroupForm,
			"must be 1 to 128 ASCII letters, digits and punctuation, without spaces")),
		"max_message_bytes": schema.Int64Attribute{
			Optional:            true,
			Computed:            true,
			Default:             int64default.StaticInt64(maximum),
			Validators:          []validator.Int64{int64validator.Between(16<<10, 1<<20)},
			MarkdownDescription: describe(schemaName + ".max_message_bytes"),
		},
	}
}

// amazonSecrets are the secrets of an access. They go when the access key's id goes.
func amazonSecrets(key, token func(client.DestinationConfig) *nullable.Nullable[string], accessOf func(model) *amazonAccess) []secret {
	hasKey := func(m model) bool { return accessOf(m).AccessKeyID.ValueString() != "" }
	return []secret{
		{name: "secret_access_key", text: key, fits: hasKey},
		{name: "session_token", text: token, fits: hasKey},
	}
}

// amazonValidators say what of an access excludes what.
func amazonValidators(more ...resource.ConfigValidator) []resource.ConfigValidator {
	return append(more,
		resourcevalidator.Conflicting(path.MatchRoot("profile"), path.MatchRoot("access_key_id")),
		resourcevalidator.Conflicting(path.MatchRoot("profile"), path.MatchRoot("secret_access_key_wo")),
	)
}
