// SPDX-License-Identifier: MPL-2.0

// Package jira is what Jira Cloud and Jira Data Center have in common. It is not a destination type: packages
// jiracloud and jiradatacenter are, and each says where its Jira is, who signs in, and what a description looks like.
//
//	config.go   Config: what an issue is made with, and what may stand there
//	custom.go   custom fields, as JSON
//	issue.go    Issue: the body of the request that creates it, and the label that tells it again
//	site.go     Site: one Jira; creating an issue, after looking for it where it may be there already
//	find.go     the issue that an earlier attempt made
//	answer.go   what Jira's answers mean
package jira

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
)

// Config is what a user sets about the issues, whichever Jira they are made in. A type embeds it in its own.
type Config struct {
	ProjectKey         string                    `json:"project_key,omitempty"`
	IssueType          string                    `json:"issue_type,omitempty"` // a name, or an id in digits
	Labels             []string                  `json:"labels,omitempty"`
	Components         []string                  `json:"components,omitempty"` // names, or ids in digits
	Assignee           string                    `json:"assignee,omitempty"`   // as this Jira names users; "" is whom the project says
	SendPriority       bool                      `json:"send_priority"`
	PriorityBySeverity map[alert.Severity]string `json:"priority_by_severity,omitempty"` // names, or ids in digits, in place of the usual
	ParentKey          string                    `json:"parent_key,omitempty"`
	SecurityLevel      string                    `json:"security_level,omitempty"` // an id
	CustomFields       string                    `json:"custom_fields,omitempty"`  // a JSON object of fields by id
	render.Templates
}

// usualPriorities are those of every new Jira.
func usualPriorities() map[alert.Severity]string {
	return map[alert.Severity]string{
		alert.Critical: "Highest", alert.High: "High", alert.Medium: "Medium", alert.Low: "Low", alert.Info: "Lowest",
	}
}

// Jira's limits, in UTF-16. A label's: "The label … exceeds the maximum length for a single label of 255 characters",
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
)

// isID reports whether a text is an id of one of Jira's things.
func isID(text string) bool { return destination.Digits(text, 18) }

// SetDefaults fills in the issue type that every kind of project has, and that issues have a priority.
func (c *Config) SetDefaults() {
	c.IssueType = "Task"
	c.SendPriority = true
}

// Validate reports every wrong member. escape is that of the description's markup.
func (c Config) Validate(faults *destination.Faults, escape func(string) string) {
	switch {
	case c.ProjectKey == "":
		faults.Add("/project_key", "is required: the letters before an issue's number, such as SEC in SEC-123")
	case !projectKey.MatchString(c.ProjectKey):
		faults.Add("/project_key", "must be capital letters, digits and _, beginning with a letter, such as SEC in SEC-123")
	}
	if c.IssueType == "" {
		faults.Add("/issue_type", "is required: the name of an issue type of the project, or its id")
	}
	faults.Optional("/issue_type", c.IssueType, nameFault)
	faults.Optional("/assignee", c.Assignee, nameFault)
	faults.List("/labels", c.Labels, maxLabels, labelFault)
	faults.Each("/components", c.Components, nameFault)
	faults.Unique("/labels", c.Labels)
	faults.Unique("/components", c.Components)
	faults.BySeverity("/priority_by_severity", c.PriorityBySeverity, nameFault)
	if c.ParentKey != "" && !issueKey.MatchString(c.ParentKey) {
		faults.Add("/parent_key", "must be the key of an issue, such as SEC-123")
	}
	if c.SecurityLevel != "" && !isID(c.SecurityLevel) {
		faults.Add("/security_level", "must be the id of a security level: digits, such as 10021")
	}
	faults.Optional("/custom_fields", c.CustomFields, customFieldsFault)
	faults.Take(c.Templates.Validate(escape))
}

func labelFault(label string) string {
	switch {
	case label == "" || strings.ContainsFunc(label, unicode.IsSpace) || !destination.Printable(label):
		return "must be a word: labels have no spaces"
	case Units.Of(label) > maxLabel:
		return fmt.Sprintf("must be at most %d characters", maxLabel)
	}
	return ""
}

// nameFault is the fault of a name that no thing in Jira can have.
func nameFault(name string) string {
	switch {
	case strings.TrimSpace(name) == "" || !destination.Printable(name):
		return "must be a name without line breaks or other control characters"
	case Units.Of(name) > maxName:
		return fmt.Sprintf("must be at most %d characters", maxName)
	}
	return ""
}

// below matches where the path of a page or of the REST API begins, in an address that somebody copied from a browser or
// from a program. A context path is none of them.
var below = regexp.MustCompile(`/(?:rest|browse)(?:/|$)|/(?:secure|projects|issues|plugins)/.|/[A-Za-z]+\.jspa?$`)

// AddressFault is the fault of an address that has more than Jira's own, which it names.
func AddressFault(u *url.URL) string {
	end := below.FindStringIndex(u.Path)
	if end == nil && u.RawQuery == "" && u.Fragment == "" {
		return ""
	}
	alone := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if end != nil {
		alone.Path = u.Path[:end[0]]
	}
	return "must be Jira's address alone: " + strings.TrimRight(alone.String(), "/")
}

// maxSigner is how long a user's name or password may be, in characters; ours.
const maxSigner = 4 << 10

// SignerFault is the fault of a user's name or password that cannot stand in a header of HTTP basic authentication.
func SignerFault(text string) string {
	if !destination.Printable(text) || utf8.RuneCountInString(text) > maxSigner {
		return fmt.Sprintf("must be at most %d characters, without line breaks or other control characters", maxSigner)
	}
	return ""
}
