// SPDX-License-Identifier: MPL-2.0

// Package jiracloud makes an issue in Jira Cloud of each alert, through its REST API, version 3:
// https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-post
//
//	jira_cloud.go    what a user sets, and sending
//	description.go   the description, within Jira's limits
//	adf.go           the Atlassian Document Format, in which it is written
//
// What it has in common with Jira Data Center is in package jira.
package jiracloud

import (
	"cmp"
	"context"
	"net/http"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/jira"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Type is the Jira Cloud destination. Its limits of bursts are far above what one destination sends, so it has no rate.
var Type = destination.Define("jira_cloud", New)

// Config is what a user sets. With an email the token is that of an account, and without one it is a bearer token.
// CloudID chooses the address that tokens with scopes need, and APIURL replaces it or, without CloudID, the site's.
type Config struct {
	SiteURL  string        `json:"site_url,omitempty"` // https://acme.atlassian.net
	CloudID  string        `json:"cloud_id,omitempty"`
	APIURL   string        `json:"api_url,omitempty"`
	Email    string        `json:"email,omitempty"`
	APIToken secret.String `json:"api_token,omitzero"`
	jira.Config
}

// usualAPI is where tokens with scopes are used:
// https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/
const usualAPI = "https://api.atlassian.com"

var (
	cloudID   = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	accountID = regexp.MustCompile(`^[A-Za-z0-9:_-]{1,128}$`) // https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-users/
	email     = regexp.MustCompile(`^[^\s:@]+@[^\s:@]+$`)
)

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var faults destination.Faults
	c.validateAddress(&faults)
	if c.Email != "" && (!email.MatchString(c.Email) || len(c.Email) > 254) {
		faults.Add("/email", "must be the e-mail address of the account that the token is of")
	} else {
		faults.Check("/email", jira.SignerFault(c.Email))
	}
	faults.Required("/api_token", c.APIToken.Reveal(), destination.VisibleFault)
	if c.Assignee != "" && !accountID.MatchString(c.Assignee) {
		faults.Add("/assignee", "must be an account id, such as 5b10ac8d82e05b22cc7d4ef5 or 712020:2d0f1b3e-…, not a name or an e-mail address")
		c.Assignee = "" // said
	}
	c.Config.Validate(&faults, verbatim)
	return faults.Err()
}

func (c Config) validateAddress(faults *destination.Faults) {
	site, fault := destination.ParseURL(c.SiteURL)
	switch {
	case c.SiteURL == "":
		faults.Add("/site_url", "is required: the site's address, such as https://acme.atlassian.net")
	case fault != "":
		faults.Add("/site_url", "%s", fault)
	case strings.Contains(site.Path, "/ex/jira/"):
		faults.Add("/site_url", "must be the address people open, such as https://acme.atlassian.net; the id in this one belongs in cloud_id")
	case strings.Trim(site.Path, "/") != "" || site.RawQuery != "" || site.Fragment != "":
		faults.Add("/site_url", "must be the site's address alone: %s://%s", site.Scheme, site.Host)
	}
	if c.CloudID != "" && !cloudID.MatchString(c.CloudID) {
		faults.Add("/cloud_id", "must be an id such as 1324a887-45db-1bf4-1e99-ef0ff456d421, as https://acme.atlassian.net/_edge/tenant_info shows it for a site")
	}
	faults.Optional("/api_url", c.APIURL, c.apiURLFault)
}

func (c Config) apiURLFault(text string) string {
	u, fault := destination.ParseURL(text)
	switch {
	case fault != "":
		return fault
	case c.CloudID == "" && u.Scheme+"://"+u.Host == usualAPI && !strings.HasPrefix(u.Path, "/ex/jira/"):
		return "needs cloud_id beside it: that address has many sites"
	}
	return jira.AddressFault(u)
}

// api returns what the paths of the REST API come after.
func (c Config) api() string {
	if c.CloudID != "" {
		return destination.Endpoint(cmp.Or(c.APIURL, usualAPI), "ex", "jira", c.CloudID, "rest", "api", "3")
	}
	return destination.Endpoint(cmp.Or(c.APIURL, c.SiteURL), "rest", "api", "3")
}

// verbatim is how a text from an alert stands in a template of the body: the Atlassian Document Format has no markup.
func verbatim(text string) string { return text }

type sender struct {
	issues *jira.Issues
	site   jira.Site
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	issues, err := jira.NewIssues(c.Config, "accountId", verbatim)
	sign := jira.Bearer(c.APIToken)
	if c.Email != "" {
		sign = jira.Basic(c.Email, c.APIToken)
	}
	return &sender{issues: issues, site: jira.Site{
		Env: env, API: c.api(), Web: strings.TrimRight(c.SiteURL, "/"), Sign: sign, Search: search, Hints: hints, Project: c.ProjectKey,
	}}, err
}

// hints are what to do about a refusal: https://support.atlassian.com/user-management/docs/manage-api-tokens-for-service-accounts
var hints = jira.Hints{
	Unauthorized: "is the token still valid and of the account with this email? A token with scopes needs cloud_id, and the scopes read:jira-work and write:jira-work",
	Forbidden:    "the account may not do this: it needs access to Jira and, in the project, the permissions Browse Projects and Create Issues",
	NotFound:     "is site_url, or cloud_id, right, and may the account see the project?",
}

// search is the request that finds issues by JQL. Without fields Jira answers with ids alone.
func search(jql string, most int) jira.Request {
	body, _ := json.Marshal(struct { // texts can always be encoded
		JQL        string   `json:"jql"`
		Fields     []string `json:"fields"`
		MaxResults int      `json:"maxResults"`
	}{jql, []string{"labels"}, most})
	return jira.Request{Method: http.MethodPost, Path: "/search/jql", Body: body}
}

// Render returns the JSON of the request that makes the issue.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	var cutter render.Cutter
	texts := s.issues.Texts(m)
	summary := s.issues.Summary(&cutter, texts, m)
	body, err := s.issues.Body(m, summary, encode(describe(&cutter, texts, m)))
	return destination.Rendering{Body: body, Truncated: cutter.Cut(), Notes: texts.Notes}, err
}

// Send makes one attempt; see [jira.Site.Send].
func (s *sender) Send(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	issue, err := s.Render(m)
	if err != nil {
		return destination.Receipt{}, err
	}
	return s.site.Send(ctx, m, issue)
}
