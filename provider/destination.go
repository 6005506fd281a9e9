// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// destinationTypes lists every destination type. Each becomes the resource alertrouter_destination_<name>.
var destinationTypes = []kind{
	amazonSNSKind,
	amazonSQSKind,
	asanaKind,
	blinkOpsKind,
	discordKind,
	emailKind,
	githubKind,
	jiraCloudKind,
	jiraDataCenterKind,
	microsoftTeamsKind,
	opsgenieKind,
	pagerdutyKind,
	slackKind,
	webhookKind,
}

// A kind is what tells one destination type from the others.
type kind struct {
	name       string // the member of config in the contract
	schemaName string // that member's schema in the contract
	docs       string // what the resource's page says after the schema's description
	attributes map[string]schema.Attribute
	secrets    []secret
	validators []resource.ConfigValidator
	newModel   func() model // a pointer to a struct that embeds envelope
}

// A model is the typed form of a resource's data, less its secrets.
type model interface {
	common() *envelope

	// config is the config as the API wants it, without secrets; its one member is not nil.
	config() client.DestinationConfig

	// setConfig takes the config the API returned, whose member is not nil.
	setConfig(client.DestinationConfig)
}

// An envelope is what destinations of all types have.
type envelope struct {
	ID                   types.String  `tfsdk:"id"`
	DisplayName          types.String  `tfsdk:"display_name"`
	Enabled              types.Bool    `tfsdk:"enabled"`
	Severities           types.Set     `tfsdk:"severities"`
	AlertTypes           types.Set     `tfsdk:"alert_types"`
	LogTypes             types.Set     `tfsdk:"log_types"`
	AllowManualDispatch  types.Bool    `tfsdk:"allow_manual_dispatch"`
	Fallback             types.String  `tfsdk:"fallback"`
	FallbackAfterSeconds types.Int64   `tfsdk:"fallback_after_seconds"`
	MaxAgeSeconds        types.Int64   `tfsdk:"max_age_seconds"`
	MaxConcurrency       types.Int64   `tfsdk:"max_concurrency"`
	RateLimitPerSecond   types.Float64 `tfsdk:"rate_limit_per_second"`
	SecretFingerprints   types.Map     `tfsdk:"secret_fingerprints"`
	Revision             types.Int64   `tfsdk:"revision"`
}

func (e *envelope) common() *envelope { return e }

// inputOf is the destination as the API wants it, without secrets.
func inputOf(m model) client.DestinationInput {
	e := m.common()
	input := client.DestinationInput{
		DisplayName:          e.DisplayName.ValueString(),
		Enabled:              e.Enabled.ValueBoolPointer(),
		Severities:           textsOf[client.Severity](e.Severities),
		AllowManualDispatch:  e.AllowManualDispatch.ValueBoolPointer(),
		Fallback:             e.Fallback.ValueStringPointer(),
		FallbackAfterSeconds: e.FallbackAfterSeconds.ValueInt64Pointer(),
		MaxAgeSeconds:        e.MaxAgeSeconds.ValueInt64Pointer(),
		RateLimitPerSecond:   e.RateLimitPerSecond.ValueFloat64Pointer(),
		Config:               m.config(),
	}
	if !e.AlertTypes.IsNull() {
		input.AlertTypes = new(textsOf[client.AlertType](e.AlertTypes))
	}
	if !e.LogTypes.IsNull() {
		input.LogTypes = new(textsOf[string](e.LogTypes))
	}
	if !e.MaxConcurrency.IsNull() {
		input.MaxConcurrency = new(int(e.MaxConcurrency.ValueInt64()))
	}
	return input
}

// setFrom takes over what the API returned.
func setFrom(m model, d *client.Destination) {
	e := m.common()
	e.ID = types.StringValue(d.ID)
	e.DisplayName = types.StringValue(d.DisplayName)
	e.Enabled = types.BoolValue(d.Enabled)
	e.Severities = setOf(d.Severities)
	e.AlertTypes = setUnlessEmpty(d.AlertTypes)
	e.LogTypes = setUnlessEmpty(d.LogTypes)
	e.AllowManualDispatch = types.BoolValue(d.AllowManualDispatch)
	e.Fallback = types.StringPointerValue(d.Fallback)
	e.FallbackAfterSeconds = types.Int64PointerValue(d.FallbackAfterSeconds)
	e.MaxAgeSeconds = types.Int64PointerValue(d.MaxAgeSeconds)
	e.MaxConcurrency = types.Int64Null()
	if d.MaxConcurrency != nil {
		e.MaxConcurrency = types.Int64Value(int64(*d.MaxConcurrency))
	}
	e.RateLimitPerSecond = numberOf(d.RateLimitPerSecond)
	e.SecretFingerprints = mapOf(d.SecretFingerprints)
	e.Revision = types.Int64Value(d.Revision)
	m.setConfig(d.Config)
}

// destinationResource is the resource of one destination type. The schema has the attributes of the model and, for each
// secret, a pair that no model holds: the write-only <name>_wo and <name>_wo_version.
type destinationResource struct {
	resourceCaller
	kind
	modelSchema schema.Schema
}

func newDestinationResource(k kind) *destinationResource {
	return &destinationResource{kind: k, modelSchema: schema.Schema{Attributes: modelAttributes(k)}}
}

func (r *destinationResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_destination_" + r.name
}

func (r *destinationResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: describe(r.schemaName, r.docs) + "\n\n" +
			"Secrets are write-only arguments, which need Terraform or OpenTofu 1.11: see the guide [Secrets](../guides/secrets).\n\n" +
			"The token needs the permissions `destinations:read` and `destinations:write`.",
		Attributes: allAttributes(r.kind),
	}
}

func (r *destinationResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{RequiredForImport: true, Description: "The destination's id."},
	}}
}

func (r *destinationResource) ConfigValidators(context.Context) []resource.ConfigValidator {
	return r.validators
}

// Create makes the destination; the state is what the API answers. For a creation without an answer see keepUnanswered.
func (r *destinationResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	m := r.newModel()
	resp.Diagnostics.Append(r.get(ctx, req.Plan.Raw, m)...)
	secrets := r.readSecrets(ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	input := inputOf(m)
	records := secrets.writeAll(&input.Config)
	params := client.CreateDestinationParams{IdempotencyKey: newKey()}
	call, fate := client.WithFate(ctx)
	d, err := client.Created(r.api.CreateDestinationWithResponse(call, &params, input))
	if err != nil {
		r.addError(ctx, &resp.Diagnostics, "create the "+r.name+" destination", err)
		if fate.Open() {
			r.keepUnanswered(ctx, *params.IdempotencyKey, m, records, req, resp)
		}
		return
	}
	r.owns(d.ID)
	setFrom(m, d)
	resp.Diagnostics.Append(r.set(ctx, &resp.State, req.Plan.Raw, m)...)
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, path.Root("id"), d.ID)...)
	resp.Diagnostics.Append(records.save(ctx, resp.Private, d.SecretFingerprints)...)
}

// Read refreshes the state. A destination that is gone leaves it, so that the plan creates it again.
func (r *destinationResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	m := r.newModel()
	resp.Diagnostics.Append(r.get(ctx, req.State.Raw, m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id := m.common().ID.ValueString()
	r.owns(id)
	// First of all: Terraform 1.11 sends no identity, and the framework insists on one even for what is gone.
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, path.Root("id"), id)...)
	bare := m.common().Revision.IsNull() // just imported or moved: there is an id and nothing else
	if r.api == nil && !bare {
		return // the state stays as it was
	}
	from := movedFrom(ctx, req.Private, &resp.Diagnostics)
	if !r.ready(&resp.Diagnostics) {
		return
	}
	d, err := client.OK(r.api.GetDestinationWithResponse(ctx, id))
	switch {
	case isGone(err) && bare && from == "":
		addNotImportable(&resp.Diagnostics, id)
		return
	case isGone(err):
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		r.report(ctx, &resp.Diagnostics, "read the "+r.name+" destination "+id, err, noAttribute)
		return
	case d.Type != r.name && from != "":
		r.addNotMovable(&resp.Diagnostics, from, d)
		return
	case d.Type != r.name:
		addOtherType(&resp.Diagnostics, d)
		return
	}
	setFrom(m, d)
	resp.Diagnostics.Append(r.set(ctx, &resp.State, req.State.Raw, m)...)
	if from != "" {
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, movedKey, nil)...)
	}
}

// Update replaces the destination, unless it changed since it was read.
func (r *destinationResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	m, prior := r.newModel(), r.newModel()
	resp.Diagnostics.Append(r.get(ctx, req.Plan.Raw, m)...)
	resp.Diagnostics.Append(r.get(ctx, req.State.Raw, prior)...)
	secrets := r.readSecrets(ctx, req.Config, &resp.Diagnostics)
	records := loadRecords(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	id := prior.common().ID.ValueString()
	input := inputOf(m)
	choices := secrets.choose(records, r.storedSecrets(ctx, req.State, &resp.Diagnostics))
	records = secrets.write(choices, records, &input.Config)
	params := client.UpdateDestinationParams{IfMatch: revisionTag(prior.common().Revision.ValueInt64()), IdempotencyKey: newKey()}
	call, fate := client.WithFate(ctx)
	d, err := client.OK(r.api.UpdateDestinationWithResponse(call, id, &params, input))
	if isGone(err) {
		addGone(&resp.Diagnostics, r.name+" destination "+id)
		return
	}
	if err != nil {
		r.addError(ctx, &resp.Diagnostics, "update the "+r.name+" destination "+id, err)
		if fate.Open() {
			addPerhapsUpdated(&resp.Diagnostics, r.name+" destination "+id)
		}
		return
	}
	setFrom(m, d)
	resp.Diagnostics.Append(r.set(ctx, &resp.State, req.Plan.Raw, m)...)
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, path.Root("id"), d.ID)...)
	resp.Diagnostics.Append(records.save(ctx, resp.Private, d.SecretFingerprints)...)
}

// Delete removes the destination; one that is gone already is fine. It goes even if somebody changed it since it was
// read: a destruction is no edit that could lose another, and it has to work on a state that is not refreshed.
func (r *destinationResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	m := r.newModel()
	resp.Diagnostics.Append(r.get(ctx, req.State.Raw, m)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) {
		return
	}
	id := m.common().ID.ValueString()
	r.owns(id)
	err := client.NoContent(r.api.DeleteDestinationWithResponse(ctx, id, &client.DeleteDestinationParams{}))
	if answer := conflict(err); answer != nil {
		addInUse(&resp.Diagnostics, r.name+" destination "+id, answer)
		return
	}
	if err != nil && !isGone(err) {
		r.report(ctx, &resp.Diagnostics, "delete the "+r.name+" destination "+id, err, noAttribute)
	}
}

// get reads a resource's data, less its secrets, into a model.
func (r *destinationResource) get(ctx context.Context, raw tftypes.Value, m model) diag.Diagnostics {
	var diags diag.Diagnostics
	values := map[string]tftypes.Value{}
	if err := raw.As(&values); err != nil {
		diags.AddError("The data cannot be read", err.Error())
		return diags
	}
	values = maps.Clone(values) // As hands out the value's own map
	for _, s := range r.secrets {
		delete(values, s.attribute())
		delete(values, s.versionAttribute())
	}
	part := tfsdk.State{Schema: r.modelSchema, Raw: tftypes.NewValue(r.modelSchema.Type().TerraformType(ctx), values)}
	return part.Get(ctx, m)
}

// set writes a model to a state. What the model does not hold, the versions of the secrets, comes from another resource's data:
// the plan, or the state before.
func (r *destinationResource) set(ctx context.Context, state *tfsdk.State, from tftypes.Value, m model) diag.Diagnostics {
	part := tfsdk.State{Schema: r.modelSchema, Raw: tftypes.NewValue(r.modelSchema.Type().TerraformType(ctx), nil)}
	diags := part.Set(ctx, m)
	values, own := map[string]tftypes.Value{}, map[string]tftypes.Value{}
	if err := from.As(&values); err != nil {
		diags.AddError("The data cannot be read", err.Error())
	}
	if err := part.Raw.As(&own); err != nil {
		diags.AddError("The data cannot be written", err.Error())
	}
	if diags.HasError() {
		return diags
	}
	values = maps.Clone(values)
	maps.Copy(values, own)
	state.Raw = tftypes.NewValue(state.Schema.Type().TerraformType(ctx), values)
	return diags
}

// addError reports what the API said of the input. The server calls secrets by their own names: here they are those of
// the write-only attributes.
func (r *destinationResource) addError(ctx context.Context, diags *diag.Diagnostics, doing string, err error) {
	if answer, ok := errors.AsType[*client.Error](err); ok {
		for i := range answer.Fields {
			for _, s := range r.secrets {
				name := regexp.MustCompile(`\b` + s.name + `\b`)
				answer.Fields[i].Message = name.ReplaceAllString(answer.Fields[i].Message, s.attribute())
			}
		}
	}
	r.report(ctx, diags, doing, err, r.attributeOf)
}

// attributeOf maps a pointer such as /config/slack/mention to the attribute mention, and that of a secret to its
// write-only attribute. What is wrong with the whole is mostly its name: it is taken.
func (r *destinationResource) attributeOf(pointer string) (path.Path, bool) {
	if pointer == "" {
		return path.Root("display_name"), true
	}
	name, member, nested := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(pointer, "/config/"+r.name), "/"), "/")
	for _, s := range r.secrets {
		if s.name == name {
			name = s.attribute()
		}
	}
	attribute, ok := allAttributes(r.kind)[name]
	at := path.Root(name)
	if !nested {
		return at, ok
	}
	switch attribute.(type) { // members of sets are not told apart
	case schema.MapAttribute:
		at = at.AtMapKey(unescape.Replace(member))
	case schema.ListAttribute, schema.ListNestedAttribute:
		number, member, nested := strings.Cut(member, "/")
		index, err := strconv.Atoi(number)
		if err != nil {
			return at, ok
		}
		if at = at.AtListIndex(index); nested {
			at = at.AtName(unescape.Replace(member))
		}
	}
	return at, ok
}

// unescape reads a member's name in a JSON pointer.
var unescape = strings.NewReplacer("~1", "/", "~0", "~")
