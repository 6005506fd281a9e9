// SPDX-License-Identifier: MPL-2.0

package jira

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

// Hints say what an operator does about a refusal that is the same for every issue.
type Hints struct{ Unauthorized, Forbidden, NotFound string }

// complaint is Jira's JSON of errors: https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#status-codes
type complaint struct {
	Messages []string          `json:"errorMessages"`
	Fields   map[string]string `json:"errors"`
}

// complaintOf reads an answer; it is empty where the answer is something else.
func complaintOf(resp *outbound.Response) complaint {
	var c complaint
	if json.Unmarshal(resp.Body, &c) != nil {
		return complaint{}
	}
	return c
}

// fields are the ids of the fields complained of, sorted.
func (c complaint) fields() []string { return slices.Sorted(maps.Keys(c.Fields)) }

// words returns the complaint as one line.
func (c complaint) words() string {
	all := slices.Clone(c.Messages)
	for _, field := range c.fields() {
		all = append(all, field+": "+c.Fields[field])
	}
	return strings.Join(all, "; ")
}

// tooLong reports whether Jira complains of the description's length: its administrators may have chosen a lower limit than
// the config has (https://github.com/release-engineering/Sync2Jira/issues/123). It is said in the user's language; in
// others than English it stays an ordinary refusal.
func (c complaint) tooLong() bool {
	return strings.Contains(c.Fields["description"], "exceeds the allowed limit") || slices.Contains(c.Messages, "CONTENT_LIMIT_EXCEEDED")
}

// judge says what follows from an answer that is no success, and what an operator can do about it. err is the usual
// choice.
//
//	400 with a page of HTML        retry: it comes from in front of Jira, which has seen nothing
//	429, 503                       wait as Retry-After says, or X-RateLimit-Reset where that is missing
//	400, too long a text           permanent, but for a smaller issue
//	400, 401, 403, 404, 422, 3xx   permanent, with a hint
func (s *Site) judge(resp *outbound.Response, said complaint, err error) error {
	outcome, _ := destination.OutcomeOf(err)
	if resp.StatusCode == http.StatusBadRequest && isPage(resp) {
		return fmt.Errorf("%w with a page that is not Jira's: something in front of it refused the request", &destination.StatusError{StatusCode: resp.StatusCode})
	}
	if outcome == destination.OutcomeRetry {
		if wait := untilReset(resp.Header.Get("X-RateLimit-Reset"), s.Env.Now()); wait > 0 {
			return destination.RetryAfter(err, wait)
		}
	}
	if hint := s.hint(resp, said); hint != "" && outcome == destination.OutcomePermanent {
		err = fmt.Errorf("%w (%s)", err, s.mask(hint))
	}
	if resp.StatusCode == http.StatusBadRequest && said.tooLong() {
		return destination.TooLarge(err, 0)
	}
	return err
}

// isPage reports whether an answer is HTML.
func isPage(resp *outbound.Response) bool {
	return strings.HasPrefix(strings.ToLower(resp.Header.Get("Content-Type")), "text/html") || destination.IsPage(resp)
}

// untilReset reads X-RateLimit-Reset, an ISO 8601 time that may be without seconds
// (https://developer.atlassian.com/cloud/jira/platform/rate-limiting/), and returns 0 for anything else and for what is over.
func untilReset(value string, now time.Time) time.Duration {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00"} {
		if at, err := time.Parse(layout, strings.TrimSpace(value)); err == nil {
			return max(at.Sub(now), 0)
		}
	}
	return 0
}

func (s *Site) hint(resp *outbound.Response, said complaint) string {
	code := resp.StatusCode
	switch {
	case challenged(resp):
		return "after failed logins Jira asks this user for a CAPTCHA: log in once in a browser, or have an administrator reset the failed login count; then check the password, or use a personal access token, which has no CAPTCHA"
	case code == http.StatusUnauthorized:
		return s.Hints.Unauthorized
	case code == http.StatusForbidden:
		return s.Hints.Forbidden
	case code == http.StatusNotFound:
		return s.Hints.NotFound
	case code >= 300 && code <= 399:
		return "Jira sends the request elsewhere: is its address right, and does it take the credentials rather than ask for a login?"
	case code == http.StatusBadRequest, code == http.StatusUnprocessableEntity:
		return s.hintAboutFields(said)
	}
	return ""
}

// challenged reports whether Data Center wants a CAPTCHA solved:
// https://developer.atlassian.com/server/jira/platform/basic-authentication/
func challenged(resp *outbound.Response) bool {
	return strings.Contains(resp.Header.Get("X-Authentication-Denied-Reason"), "CAPTCHA") ||
		strings.Contains(resp.Header.Get("X-Seraph-LoginReason"), "AUTHENTICATION_DENIED")
}

// fieldHints say what to do about a field that Jira complains of, whatever language it does it in.
var fieldHints = map[string]string{
	"project":    "project_key must name a project that this account can see and create issues in",
	"issuetype":  "issue_type must be one of the project's issue types; a sub-task also needs parent_key",
	"priority":   "priority_by_severity must have priorities of the project, and send_priority must be false where priority is not on the screen that creates issues",
	"labels":     "labels must be on the project's screen that creates issues: a retry finds the issue by one",
	"assignee":   "assignee must be a user who may be assigned issues there, and this account needs the permission Assign Issues",
	"components": "components must be components of the project",
	"parent":     "parent_key must be an issue that may have issues of this type below it",
	"security":   "security_level must be a level of the project that this account may set",
}

func (s *Site) hintAboutFields(said complaint) string {
	var hints []string
	for _, field := range said.fields() {
		hint, known := fieldHints[field]
		switch {
		case known:
			hints = append(hints, hint)
		case field == "summary" || field == "description":
			hints = append(hints, field+" is refused")
		default:
			hints = append(hints, "custom_fields must set "+field+" where the project requires it, and only where it is on the screen that creates issues")
		}
	}
	return strings.Join(hints, "; ")
}
