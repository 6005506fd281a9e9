// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/oapi-codegen/nullable"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// githubModel is an alertrouter_destination_github.
type githubModel struct {
	envelope
	templates
	Owner            types.String `tfsdk:"owner"`
	Repository       types.String `tfsdk:"repository"`
	Labels           types.Set    `tfsdk:"labels"`
	LabelsBySeverity types.Map    `tfsdk:"labels_by_severity"`
	Assignees        types.Set    `tfsdk:"assignees"`
	Milestone        types.Int64  `tfsdk:"milestone"`
	IssueType        types.String `tfsdk:"issue_type"`
	APIURL           types.String `tfsdk:"api_url"`
}

// The forms of GitHub's names.
var (
	githubOwner      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$`)
	githubRepository = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	githubLogin      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(\[bot\])?$`)
)

var githubKind = kind{
	name:       "github",
	schemaName: "GithubConfig",
	docs: "GitHub asks for a second between two requests that make something: at most 1 attempt starts a second unless `rate_limit_per_second` says otherwise. What is more waits its turn and is not lost.\n\n" +
		"Text in an alert mentions nobody and refers to no issue. An issue whose making was not confirmed is looked for before another is made, among the newest of the repository.",
	newModel: func() model { return &githubModel{} },
	attributes: with(templateAttributes("GithubConfig"), map[string]schema.Attribute{
		"owner": schema.StringAttribute{
			Required:            true,
			Validators:          []validator.String{stringvalidator.RegexMatches(githubOwner, "must be the name of a user or an organization: letters, digits and hyphens, at most 39")},
			MarkdownDescription: describe("GithubConfig.owner"),
		},
		"repository": schema.StringAttribute{
			Required: true,
			Validators: []validator.String{
				stringvalidator.RegexMatches(githubRepository, "must be the repository's name alone: letters, digits, hyphens, underscores and full stops, at most 100"),
				stringvalidator.NoneOf(".", ".."),
			},
			MarkdownDescription: describe("GithubConfig.repository"),
		},
		"labels": optionalTexts("GithubConfig.labels", 20, oneLine(50)...),
		"labels_by_severity": schema.MapAttribute{
			Optional:            true,
			ElementType:         types.StringType,
			Validators:          bySeverity(oneLine(50)...),
			MarkdownDescription: describe("GithubConfig.labels_by_severity"),
		},
		"assignees": optionalTexts("GithubConfig.assignees", 10, stringvalidator.RegexMatches(githubLogin, "must be a user's login, without @")),
		"milestone": schema.Int64Attribute{
			Optional:            true,
			Validators:          []validator.Int64{int64validator.Between(1, 1<<31-1)},
			MarkdownDescription: describe("GithubConfig.milestone"),
		},
		"issue_type": optionalText("GithubConfig.issue_type", oneLine(100)...),
		"api_url":    apiURLAttribute("GithubConfig"),
	}),
	secrets: []secret{
		{
			name:             "token",
			requiredOnCreate: true,
			text:             func(c client.DestinationConfig) *nullable.Nullable[string] { return &c.Github.Token },
		},
	},
}

func (m *githubModel) config() client.DestinationConfig {
	return client.DestinationConfig{Github: &client.GithubConfig{
		Owner:            m.Owner.ValueString(),
		Repository:       m.Repository.ValueString(),
		Labels:           textsOf[string](m.Labels),
		LabelsBySeverity: tableOf(m.LabelsBySeverity),
		Assignees:        textsOf[string](m.Assignees),
		Milestone:        m.Milestone.ValueInt64Pointer(),
		IssueType:        m.IssueType.ValueStringPointer(),
		APIURL:           m.APIURL.ValueStringPointer(),
		TitleTemplate:    m.TitleTemplate.ValueStringPointer(),
		BodyTemplate:     m.BodyTemplate.ValueStringPointer(),
	}}
}

func (m *githubModel) setConfig(c client.DestinationConfig) {
	m.Owner = types.StringValue(c.Github.Owner)
	m.Repository = types.StringValue(c.Github.Repository)
	m.Labels = setUnlessEmpty(c.Github.Labels)
	m.LabelsBySeverity = mapUnlessEmpty(c.Github.LabelsBySeverity)
	m.Assignees = setUnlessEmpty(c.Github.Assignees)
	m.Milestone = types.Int64PointerValue(c.Github.Milestone)
	m.IssueType = types.StringPointerValue(c.Github.IssueType)
	m.APIURL = types.StringPointerValue(c.Github.APIURL)
	m.TitleTemplate = types.StringPointerValue(c.Github.TitleTemplate)
	m.BodyTemplate = types.StringPointerValue(c.Github.BodyTemplate)
}
