// SPDX-License-Identifier: MPL-2.0

package github

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Config is what a user sets. Labels, assignees, milestone and issue type are what each issue gets; GitHub drops them
// silently when the token's owner may not set them.
type Config struct {
	Owner            string                    `json:"owner"`
	Repository       string                    `json:"repository"`
	Token            secret.String             `json:"token,omitzero"` // of a person, or of an installation of an App
	Labels           []string                  `json:"labels,omitempty"`
	LabelsBySeverity map[alert.Severity]string `json:"labels_by_severity,omitempty"` // one more label
	Assignees        []string                  `json:"assignees,omitempty"`
	Milestone        int                       `json:"milestone,omitempty"` // its number; 0 is none
	IssueType        string                    `json:"issue_type,omitempty"`
	APIURL           string                    `json:"api_url,omitempty"`
	render.Templates
}

const publicURL = "https://api.github.com"

// What GitHub takes: names from https://docs.github.com/en/rest/repos/repos#create-an-organization-repository and its
// forms; at most ten assignees from https://docs.github.com/en/rest/issues/assignees#add-assignees-to-an-issue; "name is
// too long (maximum is 50 characters)" is its answer to a longer label. The others are ours.
const (
	maxLabel     = 50
	maxLabels    = 20
	maxAssignees = 10
	maxType      = 100
	maxToken     = 4096
	maxURLConfig = 2048
)

var (
	ownerForm      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$`) // underscores are those of managed users
	repositoryForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	assigneeForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(\[bot\])?$`)
	tokenForm      = regexp.MustCompile(`^[!-~]+$`)
)

// reporter takes down what is wrong with one member.
type reporter func(name, format string, args ...any)

// Validate reports every wrong member at once.
func (c Config) Validate() error {
	var fields []problem.Field
	add := func(name, format string, args ...any) {
		fields = append(fields, problem.Field{Name: name, Message: fmt.Sprintf(format, args...)})
	}
	c.validateRepository(add)
	c.validateToken(add)
	c.validateIssue(add)
	if c.APIURL != "" {
		if fault := apiURLFault(c.APIURL); fault != "" {
			add("/api_url", "%s", fault)
		}
	}
	return problem.InvalidFields(append(fields, c.Templates.Validate(escape)...))
}

func (c Config) validateRepository(add reporter) {
	switch {
	case c.Owner == "":
		add("/owner", "is required")
	case !ownerForm.MatchString(c.Owner):
		add("/owner", "must be the name of a user or an organization, as in the repository's address: letters, digits and hyphens, at most 39")
	}
	switch {
	case c.Repository == "":
		add("/repository", "is required")
	case strings.Contains(c.Repository, "/"):
		add("/repository", "must be the repository's name alone; the part before the slash is the owner")
	case !repositoryForm.MatchString(c.Repository) || c.Repository == "." || c.Repository == "..":
		add("/repository", "must be the repository's name: letters, digits, hyphens, underscores and full stops, at most 100")
	case strings.HasSuffix(c.Repository, ".git"):
		add("/repository", "must be the repository's name without .git")
	}
}

func (c Config) validateToken(add reporter) {
	token := c.Token.Reveal()
	switch {
	case token == "":
		add("/token", "is required")
	case len(token) > maxToken || !tokenForm.MatchString(token):
		add("/token", "must be visible ASCII characters without spaces, at most %d", maxToken)
	}
}

func (c Config) validateIssue(add reporter) {
	if len(c.Labels) > maxLabels {
		add("/labels", "must be at most %d", maxLabels)
	}
	for i, label := range c.Labels {
		if fault := labelFault(label); fault != "" {
			add(fmt.Sprintf("/labels/%d", i), "%s", fault)
		}
	}
	for _, severity := range slices.Sorted(maps.Keys(c.LabelsBySeverity)) {
		name := "/labels_by_severity/" + pointer.Replace(string(severity))
		if !slices.Contains(alert.Severities(), severity) {
			add(name, "is not a severity: those are INFO, LOW, MEDIUM, HIGH and CRITICAL")
		}
		if fault := labelFault(c.LabelsBySeverity[severity]); fault != "" {
			add(name, "%s", fault)
		}
	}
	if len(c.Assignees) > maxAssignees {
		add("/assignees", "must be at most %d", maxAssignees)
	}
	for i, login := range c.Assignees {
		if !assigneeForm.MatchString(login) {
			add(fmt.Sprintf("/assignees/%d", i), "must be a user's login, without @")
		}
	}
	if c.Milestone < 0 {
		add("/milestone", "must be the milestone's number, as in its address")
	}
	if c.IssueType != "" {
		if fault := wordFault(c.IssueType, maxType); fault != "" {
			add("/issue_type", "%s", fault)
		}
	}
}

// pointer escapes a member's name for a JSON pointer.
var pointer = strings.NewReplacer("~", "~0", "/", "~1")

func labelFault(label string) string { return wordFault(label, maxLabel) }

// wordFault returns what is wrong with the name of something, as the end of a sentence.
func wordFault(word string, limit int) string {
	switch {
	case render.Blank(word):
		return "must not be empty"
	case render.Line(word) != word:
		return "must be one line without control characters and without space around it"
	case utf8.RuneCountInString(word) > limit:
		return fmt.Sprintf("must be at most %d characters", limit)
	}
	return ""
}

func apiURLFault(text string) string {
	if fault := outbound.CheckURL(text); fault != "" {
		return fault
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "is not a URL"
	case len(text) > maxURLConfig:
		return fmt.Sprintf("must be at most %d bytes", maxURLConfig)
	case u.RawQuery != "" || u.Fragment != "":
		return "must not have a query or a fragment"
	case u.Hostname() == "github.com" || u.Hostname() == "www.github.com":
		return "must be the address of the API: leave it out for github.com"
	}
	return ""
}

// issues returns where the repository's issues are.
func (c Config) issues() string {
	base := strings.TrimRight(cmp.Or(c.APIURL, publicURL), "/")
	return base + "/repos/" + url.PathEscape(c.Owner) + "/" + url.PathEscape(c.Repository) + "/issues"
}

// labels returns the labels of an issue, each once: GitHub does not tell upper and lower case apart.
func (c Config) labels(severity alert.Severity) []string {
	var labels []string
	for _, label := range append(slices.Clone(c.Labels), c.LabelsBySeverity[severity]) {
		if label != "" && !containsFold(labels, label) {
			labels = append(labels, label)
		}
	}
	return labels
}

func containsFold(list []string, text string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, text) })
}
