// SPDX-License-Identifier: MPL-2.0

package github

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
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
)

var (
	ownerForm      = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$`) // underscores are those of managed users
	repositoryForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)
	assigneeForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}(\[bot\])?$`)
)

// Validate reports every wrong member at once.
func (c Config) Validate() error {
	var faults destination.Faults
	faults.Required("/owner", c.Owner, ownerFault)
	faults.Required("/repository", c.Repository, repositoryFault)
	faults.Required("/token", c.Token.Reveal(), destination.KeyFault(maxToken))
	faults.List("/labels", c.Labels, maxLabels, word(maxLabel))
	faults.BySeverity("/labels_by_severity", c.LabelsBySeverity, word(maxLabel))
	faults.List("/assignees", c.Assignees, maxAssignees, assigneeFault)
	if c.Milestone < 0 {
		faults.Add("/milestone", "must be the milestone's number, as in its address")
	}
	faults.Optional("/issue_type", c.IssueType, word(maxType))
	faults.Optional("/api_url", c.APIURL, apiURLFault)
	faults.Take(c.Templates.Validate(escape))
	return faults.Err()
}

func ownerFault(owner string) string {
	if !ownerForm.MatchString(owner) {
		return "must be the name of a user or an organization, as in the repository's address: letters, digits and hyphens, at most 39"
	}
	return ""
}

func repositoryFault(name string) string {
	switch {
	case strings.Contains(name, "/"):
		return "must be the repository's name alone; the part before the slash is the owner"
	case !repositoryForm.MatchString(name) || name == "." || name == "..":
		return "must be the repository's name: letters, digits, hyphens, underscores and full stops, at most 100"
	case strings.HasSuffix(name, ".git"):
		return "must be the repository's name without .git"
	}
	return ""
}

func assigneeFault(login string) string {
	if !assigneeForm.MatchString(login) {
		return "must be a user's login, without @"
	}
	return ""
}

// word returns the faultOf a name that may have so many characters.
func word(most int) func(word string) string {
	return func(word string) string {
		switch {
		case render.Blank(word):
			return "must not be empty"
		case render.Line(word) != word:
			return "must be one line, without control characters and without space around it"
		case utf8.RuneCountInString(word) > most:
			return fmt.Sprintf("must be at most %d characters", most)
		}
		return ""
	}
}

func apiURLFault(text string) string {
	u, fault := destination.ParseURL(text)
	if fault != "" {
		return fault
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case host == "github.com" || host == "www.github.com":
		return "must be the address of the API: leave it out for github.com"
	case strings.HasSuffix(host, ".ghe.com") && !strings.HasPrefix(host, "api."):
		return "must be the address of the API: https://api." + host
	case strings.Contains(u.Path, "/repos/"):
		return "must be the address of the API alone, such as https://github.example.com/api/v3: owner and repository are appended"
	}
	return destination.BaseURLFault(text)
}

// base returns what the paths of the API come after. An Enterprise Server has its API below /api/v3; the other APIs have
// hosts of their own: https://docs.github.com/en/enterprise-server/rest/enterprise-admin
func (c Config) base() string {
	u, err := url.Parse(cmp.Or(c.APIURL, publicURL))
	if err == nil && strings.Trim(u.Path, "/") == "" && !strings.HasPrefix(strings.ToLower(u.Host), "api.") {
		return destination.Endpoint(c.APIURL, "api", "v3")
	}
	return strings.TrimRight(cmp.Or(c.APIURL, publicURL), "/")
}

// issues returns where the repository's issues are.
func (c Config) issues() string {
	return c.base() + "/repos/" + url.PathEscape(c.Owner) + "/" + url.PathEscape(c.Repository) + "/issues"
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
