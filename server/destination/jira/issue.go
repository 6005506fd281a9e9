// SPDX-License-Identifier: MPL-2.0

package jira

import (
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// MaxSummary is how long a summary may be, in UTF-16 as Jira counts. Jira says both "must be less than 255 characters"
// (Data Center) and "can't exceed 255 characters" (Cloud): https://github.com/release-engineering/Sync2Jira/pull/119,
// https://github.com/tenable/integration-jira-cloud/issues/322
const MaxSummary = 254

// MaxDescription is how long a description may be where no administrator of Data Center says otherwise, in UTF-16:
// https://jira.atlassian.com/browse/JRACLOUD-78553
const MaxDescription = 32_767

// Units counts UTF-16, as Jira does.
var Units render.Size = render.UTF16

// Issues makes the bodies of requests that create issues. It is safe for concurrent use.
type Issues struct {
	config     Config
	priorities map[alert.Severity]string
	custom     map[string]jsontext.Value
	userMember string
	templates  *render.TemplateSet
}

// NewIssues reads a valid config. userMember is what this Jira names a user by, and escape that of the description's
// markup.
func NewIssues(c Config, userMember string, escape func(string) string) (*Issues, error) {
	custom, _ := destination.JSONObject(c.CustomFields) // Validate has read it
	templates, err := c.Compile(escape)
	priorities := map[alert.Severity]string{}
	if c.SendPriority {
		priorities = usualPriorities()
		maps.Copy(priorities, c.PriorityBySeverity)
	}
	return &Issues{config: c, priorities: priorities, custom: custom, userMember: userMember, templates: templates}, err
}

// Texts returns what the issue of a message says.
func (i *Issues) Texts(m *destination.Message) render.Texts { return i.templates.Apply(m) }

// Summary returns the issue's summary: the title of the user's template, or the severity and the alert's title.
func (i *Issues) Summary(cutter *render.Cutter, texts render.Texts, m *destination.Message) string {
	summary := texts.Title
	if i.config.TitleTemplate == "" {
		summary = string(m.Severity) + ": " + summary
	}
	return cutter.Fit(summary, MaxSummary, Units)
}

// Body returns the body of the request that creates an issue with this summary and description.
func (i *Issues) Body(m *destination.Message, summary string, description any) ([]byte, error) {
	c := i.config
	fields := map[string]any{
		"project":     map[string]string{"key": c.ProjectKey},
		"issuetype":   nameOrID(c.IssueType),
		"summary":     summary,
		"description": description,
		"labels":      append(slices.Clone(c.Labels), Label(m)),
	}
	if len(c.Components) > 0 {
		var components []map[string]string
		for _, component := range c.Components {
			components = append(components, nameOrID(component))
		}
		fields["components"] = components
	}
	if c.Assignee != "" {
		fields["assignee"] = map[string]string{i.userMember: c.Assignee}
	}
	if priority := i.priorities[m.Severity]; priority != "" {
		fields["priority"] = nameOrID(priority)
	}
	if c.ParentKey != "" {
		fields["parent"] = map[string]string{"key": c.ParentKey}
	}
	if c.SecurityLevel != "" {
		fields["security"] = map[string]string{"id": c.SecurityLevel}
	}
	for id, value := range i.custom {
		fields[id] = value
	}
	return json.Marshal(map[string]any{"fields": fields}, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
}

// nameOrID is how Jira is told of one of its things: by id where that is what the user set.
func nameOrID(value string) map[string]string {
	if isID(value) {
		return map[string]string{"id": value}
	}
	return map[string]string{"name": value}
}

// Label is the label by which the issue of a delivery is found again. A test has one of its own: its delivery is not
// that of an alert.
func Label(m *destination.Message) string {
	return "alertrouter-" + m.Mark()[:20]
}
