// SPDX-License-Identifier: MPL-2.0

// Package jira is what Jira Cloud and Jira Data Center have in common. It is not a destination type: packages
// jiracloud and jiradatacenter are, and each says where its Jira is, who signs in, and what a description looks like.
//
//	config.go   Config: what an issue is made with, and what may stand there
//	custom.go   custom fields, as JSON
//	issue.go    Issue: the body of the request that creates it, and the label that tells it again
//	site.go     Site: one Jira; creating an issue, after searching for it where it may be there already
//	answer.go   what Jira's answers mean
package jira

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// Config is what a user sets about the issues, whichever Jira they are made in. A type embeds it in its own.
type Config struct {
	ProjectKey         string            `json:"project_key,omitempty"`
	IssueType          string            `json:"issue_type,omitempty"` // a name, or an id in digits
	Labels             []string          `json:"labels,omitempty"`
	Components         []string          `json:"components,omitempty"` // names, or ids in digits
	Assignee           string            `json:"assignee,omitempty"`   // as this Jira names users; "" is whom the project says
	SendPriority       bool              `json:"send_priority"`
	PriorityBySeverity map[string]string `json:"priority_by_severity,omitempty"` // names, or ids in digits, in place of the usual
	ParentKey          string            `json:"parent_key,omitempty"`
	SecurityLevel      string            `json:"security_level,omitempty"` // an id
	CustomFields       string            `json:"custom_fields,omitempty"`  // a JSON object of fields by id
	render.Templates
}

// usualPriorities are those of every new Jira.
func usualPriorities() map[string]string {
	return map[string]string{
		string(alert.Critical): "Highest", string(alert.High): "High", string(alert.Medium): "Medium",
		string(alert.Low): "Low", string(alert.Info): "Lowest",
	}
}

// Jira's limits, in characters. A label's: "The label … exceeds the maximum length for a single label of 255 characters",
// https://github.com/prometheus-community/jiralert/issues/146; names of other things are columns of the same width.
const (
	maxName   = 255
	maxLabel  = 255
	maxLabels = 50 // ours
)

// The forms of keys and ids. Cloud has no _ in a key (https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-projects/#api-rest-api-3-project-post);
// administrators of Data Center can allow it.
var (
	projectKey = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,254}$`)
	issueKey   = regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,254}-[1-9][0-9]{0,17}$`)
	digits     = regexp.MustCompile(`^[0-9]{1,18}$`)
)

// SetDefaults fills in the issue type that every kind of project has, and that issues have a priority.
func (c *Config) SetDefaults() {
	c.IssueType = "Task"
	c.SendPriority = true
}

// Reporter takes down what is wrong with one field.
type Reporter func(name, format string, args ...any)

// Validate reports every wrong member. escape is that of the description's markup.
func (c Config) Validate(add Reporter, escape func(string) string) {
	switch {
	case c.ProjectKey == "":
		add("/project_key", "is required: the letters before an issue's number, such as SEC in SEC-123")
	case !projectKey.MatchString(c.ProjectKey):
		add("/project_key", "must be capital letters, digits and _, beginning with a letter, such as SEC in SEC-123")
	}
	if c.IssueType == "" {
		add("/issue_type", "is required: the name of an issue type of the project, or its id")
	} else {
		checkName(add, "/issue_type", c.IssueType)
	}
	if c.Assignee != "" {
		checkName(add, "/assignee", c.Assignee)
	}
	c.validateLists(add)
	c.validatePriorities(add)
	if c.ParentKey != "" && !issueKey.MatchString(c.ParentKey) {
		add("/parent_key", "must be the key of an issue, such as SEC-123")
	}
	if c.SecurityLevel != "" && !digits.MatchString(c.SecurityLevel) {
		add("/security_level", "must be the id of a security level: digits, such as 10021")
	}
	if _, fault := parseCustomFields(c.CustomFields); fault != "" {
		add("/custom_fields", "%s", fault)
	}
	for _, f := range c.Templates.Validate(escape) {
		add(f.Name, "%s", f.Message)
	}
}

func (c Config) validateLists(add Reporter) {
	if len(c.Labels) > maxLabels {
		add("/labels", "must be at most %d labels", maxLabels)
	}
	for i, label := range c.Labels {
		name := fmt.Sprintf("/labels/%d", i)
		switch {
		case label == "" || strings.ContainsFunc(label, unicode.IsSpace) || !printable(label):
			add(name, "must be a word: labels have no spaces")
		case utf8.RuneCountInString(label) > maxLabel:
			add(name, "must be at most %d characters", maxLabel)
		case slices.Contains(c.Labels[:i], label):
			add(name, "is there twice")
		}
	}
	for i, component := range c.Components {
		name := fmt.Sprintf("/components/%d", i)
		if checkName(add, name, component) && slices.Contains(c.Components[:i], component) {
			add(name, "is there twice")
		}
	}
}

func (c Config) validatePriorities(add Reporter) {
	for severity, priority := range c.PriorityBySeverity {
		name := "/priority_by_severity/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(severity)
		if !slices.Contains(alert.Severities(), alert.Severity(severity)) {
			add(name, "is not a severity: they are INFO, LOW, MEDIUM, HIGH and CRITICAL")
			continue
		}
		checkName(add, name, priority)
	}
}

// checkName reports a name that no thing in Jira can have, and whether it is fine.
func checkName(add Reporter, field, name string) bool {
	switch {
	case strings.TrimSpace(name) == "" || !printable(name):
		add(field, "must be a name without line breaks or other control characters")
		return false
	case utf8.RuneCountInString(name) > maxName:
		add(field, "must be at most %d characters", maxName)
		return false
	}
	return true
}

// printable reports whether a text is UTF-8 without control characters.
func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// CheckHeader reports a user name or secret that cannot stand in a header of HTTP basic authentication.
func CheckHeader(add Reporter, field, value string) {
	if !printable(value) || utf8.RuneCountInString(value) > 4<<10 {
		add(field, "must not hold line breaks or other control characters")
	}
}

// CheckToken reports a token that cannot stand in a header.
func CheckToken(add Reporter, field, value string) {
	for i := range len(value) {
		if value[i] <= ' ' || value[i] > '~' {
			add(field, "must be visible ASCII characters without spaces")
			return
		}
	}
}

// Collect runs checks and returns what they report.
func Collect(checks func(add Reporter)) error {
	var fields []problem.Field
	checks(func(name, format string, args ...any) {
		fields = append(fields, problem.Field{Name: name, Message: fmt.Sprintf(format, args...)})
	})
	return problem.InvalidFields(fields)
}
