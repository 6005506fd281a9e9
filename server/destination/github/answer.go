// SPDX-License-Identifier: MPL-2.0

package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
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

// explain adds to the error of an attempt what GitHub means by its answer.
func (s *sender) explain(resp *outbound.Response, err error) error {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return fmt.Errorf("%w: the repository has another name or owner now%s", err, s.config.elsewhere())
	case http.StatusUnauthorized:
		return fmt.Errorf("%w: the token is wrong, expired or revoked", err)
	case http.StatusForbidden:
		return fmt.Errorf("%w: may the token write the repository's issues? %s", err, s.reason(resp.Body))
	case http.StatusNotFound:
		return fmt.Errorf("%w: there is no such repository, or the token has no access to it%s", err, s.config.elsewhere())
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

// elsewhere says what else is the matter where nothing is found, if the API's address is the user's.
func (c Config) elsewhere() string {
	if c.APIURL == "" {
		return ""
	}
	return "; or api_url is not the address of the API, such as https://github.example.com/api/v3"
}

// How long to wait after a limit that names no time: a minute at least, and twice as long after each that follows.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
const (
	minLimitWait = time.Minute
	maxLimitWait = 16 * time.Minute
)

// limits are those that name no time, one after the other: of the destination, not of a delivery, which may have been tried
// often for other reasons.
type limits struct {
	mu   sync.Mutex
	wait time.Duration // after the last of them; 0 when there was another answer since
	over time.Time     // when that wait is
}

// next returns the wait after one more limit. Those that come within a wait are of requests that were under way when it
// began, and make it no longer.
func (l *limits) next(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wait == 0 || !now.Before(l.over) {
		l.wait = min(max(2*l.wait, minLimitWait), maxLimitWait)
		l.over = now.Add(l.wait)
	}
	return l.wait
}

// end notes that GitHub takes requests again.
func (l *limits) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wait = 0
}

// rateLimit returns the wait that a limit on rates asks for, and nil where the answer is none:
//
//	403 or 429 with Retry-After              as it says
//	403 or 429 with X-RateLimit-Remaining 0  until X-RateLimit-Reset
//	403 or 429 that says so                  as limits have it
//	422 "was submitted too quickly"          likewise: https://github.com/cli/cli/issues/4801
func (s *sender) rateLimit(resp *outbound.Response) error {
	status := &destination.StatusError{StatusCode: resp.StatusCode}
	secondary := func() error {
		return destination.RetryAfter(fmt.Errorf("%w: a secondary limit on rates: %s", status, s.reason(resp.Body)), s.limits.next(s.env.Now()))
	}
	switch resp.StatusCode {
	case http.StatusForbidden, http.StatusTooManyRequests:
	case http.StatusUnprocessableEntity:
		if strings.Contains(s.reason(resp.Body), "submitted too quickly") {
			return secondary()
		}
		return nil
	default:
		return nil
	}
	if wait, ok := destination.ParseRetryAfter(resp.Header.Get("Retry-After"), s.env.Now()); ok {
		return destination.RetryAfter(fmt.Errorf("%w: a limit on rates", status), wait)
	}
	if reset, err := strconv.ParseInt(resp.Header.Get("X-Ratelimit-Reset"), 10, 64); err == nil && resp.Header.Get("X-Ratelimit-Remaining") == "0" {
		wait := time.Unix(reset, 0).Sub(s.env.Now())
		return destination.RetryAfter(fmt.Errorf("%w: the limit on requests an hour", status), max(wait, time.Second))
	}
	if limitWords.Match(resp.Body) {
		return secondary()
	}
	return nil
}

// limitWords are what a limit is called in a message, or in the address of the page about it. The secondary ones were
// those on abuse once.
var limitWords = regexp.MustCompile(`(?i)rate.limit|abuse detection|too many requests`)

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
