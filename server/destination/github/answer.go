// SPDX-License-Identifier: MPL-2.0

package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/render"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// made is what an answer says of an issue.
type made struct {
	Number      int64     `json:"number"`
	HTMLURL     string    `json:"html_url"`
	Body        string    `json:"body"`
	CreatedAt   time.Time `json:"created_at"`
	Labels      []label   `json:"labels"`
	Assignees   []user    `json:"assignees"`
	Milestone   *struct{} `json:"milestone"`
	Type        *struct{} `json:"type"`
	PullRequest *struct{} `json:"pull_request"` // pull requests are listed among the issues
}

type user struct {
	Login string `json:"login"`
}

// label is an object or a text: https://docs.github.com/en/rest/issues/issues#create-an-issue
type label struct{ Name string }

// UnmarshalJSON reads either form.
func (l *label) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &l.Name) == nil {
		return nil
	}
	var object struct {
		Name string `json:"name"`
	}
	err := json.Unmarshal(raw, &object)
	l.Name = object.Name
	return err
}

// readIssue returns the issue that an answer names, or nil.
func readIssue(body []byte) *made {
	var i made
	if json.Unmarshal(body, &i) != nil || i.Number <= 0 {
		return nil
	}
	return &i
}

// confirm takes over what an answer says of the issue.
func (s *sender) confirm(receipt *destination.Receipt, i *made) {
	receipt.ExternalID = strconv.FormatInt(i.Number, 10)
	receipt.ExternalURL = secret.Redact(render.URL(i.HTMLURL), s.config.Token)
}

// leftOut says what of the config the issue has not got, or "": GitHub drops what the token's owner may not set.
func (c Config) leftOut(i *made, severity alert.Severity) string {
	var missing []string
	for _, name := range c.labels(severity) {
		if !slices.ContainsFunc(i.Labels, func(l label) bool { return strings.EqualFold(l.Name, name) }) {
			missing = append(missing, "the label "+name)
		}
	}
	for _, login := range c.Assignees {
		if !slices.ContainsFunc(i.Assignees, func(u user) bool { return strings.EqualFold(u.Login, login) }) {
			missing = append(missing, "the assignee "+login)
		}
	}
	if c.Milestone != 0 && i.Milestone == nil {
		missing = append(missing, "the milestone")
	}
	if c.IssueType != "" && i.Type == nil {
		missing = append(missing, "the type "+c.IssueType)
	}
	if missing == nil {
		return ""
	}
	return "GitHub left out " + strings.Join(missing, ", ") + ": has the token's owner write access to the repository?"
}

// bodyTooLong is what GitHub says of an issue whose body is over its limit, should that not be the one that is known.
const bodyTooLong = "body is too long"

// explain adds to an error what GitHub means by its answer, and finds the waits that are not in a Retry-After alone.
func (s *sender) explain(resp *outbound.Response, err error) error {
	if limited := s.rateLimit(resp); limited != nil {
		return limited
	}
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return fmt.Errorf("%w: the repository has another name or owner now", err)
	case http.StatusUnauthorized:
		return fmt.Errorf("%w: the token is wrong, expired or revoked", err)
	case http.StatusForbidden:
		return fmt.Errorf("%w: may the token write the repository's issues? %s", err, s.reason(resp.Body))
	case http.StatusNotFound:
		return fmt.Errorf("%w: there is no such repository, or the token has no access to it", err)
	case http.StatusGone:
		return fmt.Errorf("%w: the repository's issues are switched off", err)
	case http.StatusUnprocessableEntity:
		err = fmt.Errorf("%w: %s", err, s.reason(resp.Body))
		if strings.Contains(err.Error(), bodyTooLong) {
			return destination.TooLarge(err, 0)
		}
	}
	return err
}

// secondaryWait is how long to wait at least after a secondary limit that names no time.
const secondaryWait = time.Minute

// rateLimit returns the wait that a limit on rates asks for, which comes as 403 or 429, and nil where the answer is none:
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
func (s *sender) rateLimit(resp *outbound.Response) error {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests {
		return nil
	}
	status := &destination.StatusError{StatusCode: resp.StatusCode}
	if wait, ok := destination.ParseRetryAfter(resp.Header.Get("Retry-After"), s.env.Now()); ok {
		return destination.RetryAfter(fmt.Errorf("%w: a limit on rates", status), wait)
	}
	if resp.Header.Get("X-Ratelimit-Remaining") == "0" {
		if reset, err := strconv.ParseInt(resp.Header.Get("X-Ratelimit-Reset"), 10, 64); err == nil {
			wait := time.Unix(reset, 0).Sub(s.env.Now())
			return destination.RetryAfter(fmt.Errorf("%w: the limit on requests an hour", status), max(wait, time.Second))
		}
	}
	text := strings.ToLower(string(resp.Body))
	if strings.Contains(text, "rate limit") || strings.Contains(text, "rate-limit") || strings.Contains(text, "abuse detection") {
		return destination.RetryAfter(fmt.Errorf("%w: a secondary limit on rates", status), secondaryWait)
	}
	return nil
}

// reason returns what an error says: its message and what is wrong with which field.
// https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api#validation-failed
func (s *sender) reason(body []byte) string {
	var answer struct {
		Message string            `json:"message"`
		Errors  []json.RawMessage `json:"errors"`
	}
	_ = json.Unmarshal(body, &answer) // what is not JSON says nothing
	texts := []string{answer.Message}
	for _, raw := range answer.Errors {
		var fault struct{ Field, Code, Message string }
		var text string
		switch {
		case json.Unmarshal(raw, &text) == nil:
		case json.Unmarshal(raw, &fault) == nil && fault.Message != "":
			text = fault.Message
		default:
			text = strings.TrimSpace(fault.Field + " " + fault.Code)
		}
		texts = append(texts, text)
	}
	return s.plain(strings.Join(slices.DeleteFunc(texts, render.Blank), ": "))
}

// plain is a text for an error or a receipt.
func (s *sender) plain(text string) string {
	return render.Said(text, s.config.Token)
}
