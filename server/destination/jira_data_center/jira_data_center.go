// SPDX-License-Identifier: MPL-2.0

// Package jiradatacenter makes an issue in Jira Data Center (or Server) of each alert, through its REST API, version 2:
// https://developer.atlassian.com/server/jira/platform/jira-rest-api-examples/
//
//	jira_data_center.go   what a user sets, and sending
//	description.go        the description, within Jira's limits
//	wiki.go               the wiki markup, in which it is written
//
// What it has in common with Jira Cloud is in package jira.
package jiradatacenter

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/jira"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Type is the Jira Data Center destination. Its administrators choose the rate that it takes.
var Type = destination.Define("jira_data_center", New)

// Config is what a user sets. Either the personal access token is set, or the user name and password.
type Config struct {
	BaseURL             string        `json:"base_url,omitempty"` // with the context path, if there is one
	PersonalAccessToken secret.String `json:"personal_access_token,omitzero"`
	Username            string        `json:"username,omitempty"`
	Password            secret.String `json:"password,omitzero"`

	// MaxDescriptionCharacters is the administrators' limit of a text, jira.text.field.character.limit:
	// https://jira.atlassian.com/browse/JRASERVER-64351, and one that is 65,534:
	// https://github.com/release-engineering/Sync2Jira/issues/123
	MaxDescriptionCharacters int `json:"max_description_characters,omitempty"`
	jira.Config
}

// What the limit of a description may be set to; with less than the minimum an alert says nothing any more.
const (
	minDescription = 4_000
	maxDescription = 1_000_000
)

// SetDefaults fills in what a new Jira has.
func (c *Config) SetDefaults() {
	c.Config.SetDefaults()
	c.MaxDescriptionCharacters = jira.MaxDescription
}

// Validate reports every wrong field at once.
func (c Config) Validate() error {
	var faults destination.Faults
	c.validateAddress(&faults)
	c.validateCredentials(&faults)
	if n := c.MaxDescriptionCharacters; n < minDescription || n > maxDescription {
		faults.Add("/max_description_characters", "must be %d to %d", minDescription, maxDescription)
	}
	c.Config.Validate(&faults, escape)
	return faults.Err()
}

func (c Config) validateAddress(faults *destination.Faults) {
	base, fault := destination.ParseURL(c.BaseURL)
	switch {
	case c.BaseURL == "":
		faults.Add("/base_url", "is required: Jira's address with its context path, such as https://jira.example.com/jira")
	case fault != "":
		faults.Add("/base_url", "%s", fault)
	case strings.HasSuffix(base.Hostname(), ".atlassian.net"):
		faults.Add("/base_url", "is Jira Cloud's: that is the type jira_cloud")
	default:
		faults.Check("/base_url", jira.AddressFault(base))
	}
}

func (c Config) validateCredentials(faults *destination.Faults) {
	if c.PersonalAccessToken.IsSet() {
		faults.Check("/personal_access_token", destination.VisibleFault(c.PersonalAccessToken.Reveal()))
		if c.Username != "" {
			faults.Add("/username", "must not be set beside personal_access_token")
		}
		if c.Password.IsSet() {
			faults.Add("/password", "must not be set beside personal_access_token")
		}
		return
	}
	switch {
	case c.Username == "" && !c.Password.IsSet():
		faults.Add("/personal_access_token", "is required, or username and password in its place")
	case c.Username == "":
		faults.Add("/username", "is required beside password")
	case !c.Password.IsSet():
		faults.Add("/password", "is required beside username")
	}
	if strings.Contains(c.Username, ":") {
		faults.Add("/username", "must not hold a colon")
	} else {
		faults.Check("/username", jira.SignerFault(c.Username))
	}
	faults.Check("/password", jira.SignerFault(c.Password.Reveal()))
}

type sender struct {
	issues *jira.Issues
	site   jira.Site
	limit  int
}

// New returns a sender; it does no I/O.
func New(c Config, env destination.Env) (destination.Sender, error) {
	issues, err := jira.NewIssues(c.Config, "name", escape)
	base := strings.TrimRight(c.BaseURL, "/")
	sign := jira.Bearer(c.PersonalAccessToken)
	if c.Username != "" {
		sign = jira.Basic(c.Username, c.Password)
	}
	return &sender{issues: issues, limit: c.MaxDescriptionCharacters, site: jira.Site{
		Env: env, API: base + "/rest/api/2", Web: base, Sign: sign, Search: search, Hints: hints, Project: c.ProjectKey,
	}}, err
}

// hints are what to do about a refusal.
var hints = jira.Hints{
	Unauthorized: "is the token still valid, or are user name and password right? Jira 11 takes passwords only where an administrator allows basic authentication",
	Forbidden:    "the user may not do this: he needs the global permission to use Jira and, in the project, Browse Projects and Create Issues",
	NotFound:     "is base_url right, with its context path, and may the user see the project?",
}

// search is the request that finds issues by JQL.
func search(jql string, most int) jira.Request {
	query := url.Values{"jql": {jql}, "fields": {"labels"}, "maxResults": {strconv.Itoa(most)}}
	return jira.Request{Method: http.MethodGet, Path: "/search?" + query.Encode()}
}

// Render returns the JSON of the request that makes the issue.
func (s *sender) Render(m *destination.Message) (destination.Rendering, error) {
	var cutter render.Cutter
	texts := s.issues.Texts(m)
	summary := s.issues.Summary(&cutter, texts, m)
	body, err := s.issues.Body(m, summary, describe(&cutter, s.limit, texts, m))
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
