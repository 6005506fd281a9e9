// SPDX-License-Identifier: MPL-2.0

// Package provider is the Terraform provider.
//
//	provider.go                    the provider block, and the list of what there is
//	destination.go                 what all destination resources share: envelope, create, read, update, delete
//	destination_import.go          import by id, by identity and by display name
//	destination_move.go            moving between the resources of two types
//	destination_secrets.go         write-only secrets: which to send, and how a change is noticed
//	destination_schema.go          the attributes of the envelope and of secrets
//	destination_validate.go        the plan: secrets that changed, and the server's own checks
//	destination_taken.go           the plan: a display name that another destination has
//	unanswered.go                  creations and changes without an answer
//	destination_<type>.go          one destination type each
//	detection_override.go          the resource alertrouter_detection_override; its plan is in detection_override_validate.go
//	api_token.go                   the resource alertrouter_api_token; its schema is in api_token_schema.go
//	api_token_ephemeral.go         the ephemeral resource of that name
//	<name>_data_source.go          one data source each
//	lists.go                       what terraform query lists, and following pages
//	session.go                     what the provider knows during one walk over the resources
//	versions.go                    whether the control plane is too old or too new
//	send_test_alert_action.go      the action alertrouter_send_test_alert
//	route_function.go              the function route
//	route_policy.go                its decision, when not everything is known yet
//	route_reader.go                reading its arguments; route_values.go of any type
//	errors.go                      from API errors to diagnostics
//	logging.go                     one line for each request, and hiding secrets; silence.go for when nobody reads
//	values.go                      from the API's values to Terraform's and back, and how texts must look
//	descriptions.gen.go            the contract's descriptions
package provider

//go:generate go run ./internal/descriptions
//go:generate go run ./internal/listpages

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// Address is the provider's address in the registry.
const Address = "registry.terraform.io/alertrouter/alertrouter"

const (
	defaultEndpoint = "http://127.0.0.1:8080"
	endpointEnv     = "ALERTROUTER_ENDPOINT"
	tokenEnv        = "ALERTROUTER_TOKEN"
	caEnv           = "ALERTROUTER_CA_CERT"
	certEnv         = "ALERTROUTER_CLIENT_CERT"
	keyEnv          = "ALERTROUTER_CLIENT_KEY"
)

type alertrouterProvider struct {
	version string
	openers openers // of the ephemeral tokens
}

var _ provider.ProviderWithEphemeralResources = (*alertrouterProvider)(nil)

// New returns what makes a provider of the given version.
func New(version string) func() provider.Provider {
	return func() provider.Provider { return &alertrouterProvider{version: version} }
}

// Serve runs the provider's process, which Terraform or whoever debugs it ends, and cleans up after it: see
// [openers.revokeLeft].
func Serve(ctx context.Context, version string, debug bool) error {
	if !debug {
		silenceUnreadLog()
	}
	p := &alertrouterProvider{version: version}
	err := providerserver.Serve(ctx, func() provider.Provider { return p }, providerserver.ServeOpts{Address: Address, Debug: debug})
	p.openers.revokeLeft(ctx)
	return err
}

// providerModel is the provider block.
type providerModel struct {
	Endpoint       types.String `tfsdk:"endpoint"`
	Token          types.String `tfsdk:"token"`
	RequestTimeout types.String `tfsdk:"request_timeout"`
	MaxConcurrency types.Int64  `tfsdk:"max_concurrency"`
	CACert         types.String `tfsdk:"ca_cert"`
	ClientCert     types.String `tfsdk:"client_cert"`
	ClientKey      types.String `tfsdk:"client_key"`
	ProxyURL       types.String `tfsdk:"proxy_url"`
}

// isUnknown reports whether an argument is not known before apply.
func (m *providerModel) isUnknown() bool {
	for _, v := range []attr.Value{m.Endpoint, m.Token, m.RequestTimeout, m.MaxConcurrency, m.CACert, m.ClientCert, m.ClientKey, m.ProxyURL} {
		if v.IsUnknown() {
			return true
		}
	}
	return false
}

func (p *alertrouterProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "alertrouter"
	resp.Version = p.version
}

func (p *alertrouterProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Manages where an alertrouter control plane sends alerts.",
		Attributes: map[string]schema.Attribute{
			"endpoint": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "The URL of the control plane. Defaults to the environment variable `" + endpointEnv +
					"`, else `" + defaultEndpoint + "`.",
			},
			"token": schema.StringAttribute{
				Optional:  true,
				Sensitive: true,
				MarkdownDescription: "An API token with the permissions `destinations:read`, `destinations:write`, `overrides:read` and " +
					"`overrides:write`, and `tokens:write` where it makes tokens. Defaults to the environment variable `" + tokenEnv + "`.",
			},
			"request_timeout": schema.StringAttribute{
				Optional:            true,
				Validators:          []validator.String{duration{}},
				MarkdownDescription: "How long a call to the API may take with all its retries, such as `30s`. Defaults to `1m`.",
			},
			"max_concurrency": schema.Int64Attribute{
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 1000)},
				MarkdownDescription: "How many requests to the API may be under way at once. Defaults to `10`.",
			},
			"ca_cert": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Certificates of authorities to trust beside the system's, as PEM text or the path of a PEM file: for a control plane " +
					"whose certificate is from an authority of your own. Defaults to the environment variable `" + caEnv + "`. Verification cannot be turned off.",
			},
			"client_cert": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "The certificate to show to a control plane that asks for one, as PEM text or the path of a PEM file; intermediate certificates follow it. " +
					"Goes with `client_key`. Defaults to the environment variable `" + certEnv + "`.",
			},
			"client_key": schema.StringAttribute{
				Optional:  true,
				Sensitive: true,
				MarkdownDescription: "The private key of `client_cert`, as PEM text or the path of a PEM file. Defaults to the environment variable `" +
					keyEnv + "`.",
			},
			"proxy_url": schema.StringAttribute{
				Optional:  true,
				Sensitive: true,
				MarkdownDescription: "The proxy for all requests to the control plane, such as `http://proxy.example.com:3128`; it may hold a user and a password. " +
					"Defaults to what the environment variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.",
			},
		},
	}
}

// Configure makes the client. A value that is not known before apply leaves it out: planning then goes on without the
// server's checks, and what needs the server says what is missing.
func (p *alertrouterProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var m providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() || m.isUnknown() {
		return
	}
	token := cmp.Or(m.Token.ValueString(), os.Getenv(tokenEnv))
	if token == "" {
		resp.Diagnostics.AddAttributeError(path.Root("token"), "The API token is missing",
			"Set the environment variable "+tokenEnv+", or token in the provider block. A control plane writes the first token to the file admin-token in its data directory.")
		return
	}
	s := &session{version: p.version, hidden: &hidden{}}
	agent := "terraform-provider-alertrouter/" + p.version + " terraform/" + req.TerraformVersion
	var err error
	s.api, err = client.New(cmp.Or(m.Endpoint.ValueString(), os.Getenv(endpointEnv), defaultEndpoint), token, m.options(agent, token, s.hidden)...)
	if err != nil {
		addConfigurationError(&resp.Diagnostics, err)
		return
	}
	resp.ResourceData, resp.DataSourceData, resp.EphemeralResourceData, resp.ListResourceData, resp.ActionData = s, s, s, s, s
}

// options are those of the client. The token, and what else may not be shown, is hidden.
func (m *providerModel) options(agent, token string, hidden *hidden) []client.Option {
	key := cmp.Or(m.ClientKey.ValueString(), os.Getenv(keyEnv))
	hidden.add(token)
	hidden.add(key)
	hidden.add(m.ProxyURL.ValueString())
	options := []client.Option{
		client.WithUserAgent(agent),
		client.WithTransport(func(base http.RoundTripper) http.RoundTripper { return &loggedTransport{base: base, hidden: hidden} }),
		client.WithTLS(cmp.Or(m.CACert.ValueString(), os.Getenv(caEnv)), cmp.Or(m.ClientCert.ValueString(), os.Getenv(certEnv)), key),
		client.WithProxy(m.ProxyURL.ValueString()),
	}
	if !m.RequestTimeout.IsNull() {
		d, _ := time.ParseDuration(m.RequestTimeout.ValueString()) // the validator has read it before
		options = append(options, client.WithRequestTimeout(d))
	}
	if !m.MaxConcurrency.IsNull() {
		options = append(options, client.WithMaxConcurrency(int(m.MaxConcurrency.ValueInt64())))
	}
	return options
}

// environment are the variables that stand in for arguments of the provider block.
var environment = map[string]string{"token": tokenEnv, "endpoint": endpointEnv, "ca_cert": caEnv, "client_cert": certEnv, "client_key": keyEnv}

// addConfigurationError reports why there is no client, on the argument to blame.
func addConfigurationError(diags *diag.Diagnostics, err error) {
	argument, detail := "endpoint", err.Error()+"."
	setting, ok := errors.AsType[*client.SettingError](err)
	switch {
	case ok:
		argument = setting.Setting
	case errors.Is(err, client.ErrToken):
		argument = "token"
		detail += " If it is read from a file, trimspace() takes the line break away."
	}
	if variable := environment[argument]; variable != "" {
		detail += " It may also come from the environment variable " + variable + "."
	}
	diags.AddAttributeError(path.Root(argument), "The provider cannot be configured", detail)
}

func (p *alertrouterProvider) Resources(context.Context) []func() resource.Resource {
	resources := []func() resource.Resource{newAPIToken, newDetectionOverride}
	for _, k := range destinationTypes {
		resources = append(resources, func() resource.Resource { return newDestinationResource(k) })
	}
	return resources
}

func (p *alertrouterProvider) ListResources(context.Context) []func() list.ListResource {
	lists := []func() list.ListResource{newOverrideList}
	for _, k := range destinationTypes {
		lists = append(lists, func() list.ListResource { return newDestinationList(k) })
	}
	return lists
}

func (p *alertrouterProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newDestinationDataSource,
		newDestinationsDataSource,
		newRouteDataSource,
		newTestAlertDataSource,
	}
}

func (p *alertrouterProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{func() ephemeral.EphemeralResource { return newEphemeralAPIToken(&p.openers) }}
}

// Functions lists the functions, which need no control plane.
func (p *alertrouterProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{newRouteFunction}
}

// Actions lists the actions, of which Terraform before 1.14 and OpenTofu know nothing.
func (p *alertrouterProvider) Actions(context.Context) []func() action.Action {
	return []func() action.Action{newSendTestAlert}
}

// A caller holds what Configure left for it: nothing, as long as an argument is not known.
type caller struct {
	session *session
	api     *client.ClientWithResponses
}

func (c *caller) configure(data any) {
	if s, ok := data.(*session); ok {
		c.session, c.api = s, s.api
	}
}

// ready reports whether there is a client, and says why not.
func (c *caller) ready(diags *diag.Diagnostics) bool {
	if c.api == nil {
		diags.AddError("The provider is not configured yet",
			"An argument of the provider block depends on something that is not known before apply. Give it a known value, or apply what it depends on first.")
	}
	return c.api != nil
}

// resourceCaller is embedded by resources that call the API.
type resourceCaller struct{ caller }

func (c *resourceCaller) Configure(_ context.Context, req resource.ConfigureRequest, _ *resource.ConfigureResponse) {
	c.configure(req.ProviderData)
}

// dataSourceCaller is embedded by data sources, all of which call the API.
type dataSourceCaller struct{ caller }

func (c *dataSourceCaller) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	c.configure(req.ProviderData)
}

// ephemeralCaller is embedded by ephemeral resources, all of which call the API.
type ephemeralCaller struct{ caller }

func (c *ephemeralCaller) Configure(_ context.Context, req ephemeral.ConfigureRequest, _ *ephemeral.ConfigureResponse) {
	c.configure(req.ProviderData)
}

// actionCaller is embedded by actions.
type actionCaller struct{ caller }

func (c *actionCaller) Configure(_ context.Context, req action.ConfigureRequest, _ *action.ConfigureResponse) {
	c.configure(req.ProviderData)
}
