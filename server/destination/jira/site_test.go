// SPDX-License-Identifier: MPL-2.0

package jira_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/jira"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/shrink"
)

// again is the message on the attempt after one that ended some time ago.
func again(ago time.Duration) *destination.Message {
	m := destinationtest.Message()
	m.Attempt, m.Again, m.Tried = 2, true, now.Add(-ago)
	return m
}

// hurried is a context whose deadline leaves little time to wait for the search.
func hurried(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func mustOutcome(t *testing.T, want destination.Outcome, err error) {
	t.Helper()
	if got, _ := destination.OutcomeOf(err); got != want {
		t.Errorf("got %s (error %v), want %s", got, err, want)
	}
}

func mustKeep(t *testing.T, f *fake, issues, searches int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.issues) != issues || f.searches != searches {
		t.Errorf("Jira has %d issues after %d searches, want %d after %d", len(f.issues), f.searches, issues, searches)
	}
}

func TestSend_FindsTheIssueOfALostAnswer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fake, sender destination.Sender) {
		t.Helper()
		f.lose = true
		_, err := sender.Send(t.Context(), destinationtest.Message())
		mustOutcome(t, destination.OutcomeAmbiguous, err)
		mustKeep(t, f, 1, 0)
		receipt, err := sender.Send(t.Context(), again(time.Second))
		mustOutcome(t, destination.OutcomeDelivered, err)
		mustKeep(t, f, 1, 1)
		if receipt.ExternalID != "SEC-1" || !strings.HasSuffix(receipt.ExternalURL, "/browse/SEC-1") || !strings.Contains(receipt.Message, "earlier attempt") {
			t.Errorf("got %+v, want the issue SEC-1 and where it is from", receipt)
		}
	})
}

func TestSend_WaitsForTheSearchToCatchUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fake, sender destination.Sender) {
		t.Helper()
		f.lose, f.lag = true, 1
		_, err := sender.Send(t.Context(), destinationtest.Message())
		mustOutcome(t, destination.OutcomeAmbiguous, err)
		receipt, err := sender.Send(t.Context(), again(9900*time.Millisecond))
		mustOutcome(t, destination.OutcomeDelivered, err)
		mustKeep(t, f, 1, 2)
		if receipt.ExternalID != "SEC-1" {
			t.Errorf("got %+v, want the issue SEC-1", receipt)
		}
	})
}

func TestSend_MakesTheIssueThatNoAttemptMade(t *testing.T) {
	t.Parallel()
	killed := again(0) // by a process that did not live to record the attempt, and it is not known when
	killed.Attempt, killed.Tried = 1, time.Time{}
	for name, c := range map[string]struct {
		m        *destination.Message
		searches int
	}{
		"after a moment":         {again(9900 * time.Millisecond), 2},
		"after ten seconds":      {again(10 * time.Second), 2},
		"after five minutes":     {again(5 * time.Minute), 1},
		"after an hour":          {again(time.Hour), 1},
		"after a killed process": {killed, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, f *fake, sender destination.Sender) {
				t.Helper()
				receipt, err := sender.Send(hurried(t), c.m)
				mustOutcome(t, destination.OutcomeDelivered, err)
				mustKeep(t, f, 1, c.searches)
				if receipt.ExternalID != "SEC-1" || receipt.StatusCode != http.StatusCreated {
					t.Errorf("got %+v, want the new issue", receipt)
				}
			})
		})
	}
}

// TestSend_FindsTheIssueOfAProcessThatWasKilled has the search see, only some time after the process is back, the issue that
// the one before made.
func TestSend_FindsTheIssueOfAProcessThatWasKilled(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fake, sender destination.Sender) {
		t.Helper()
		f.lose, f.lag = true, 1
		_, err := sender.Send(t.Context(), destinationtest.Message())
		mustOutcome(t, destination.OutcomeAmbiguous, err)
		m := again(0)
		m.Attempt, m.Tried = 1, time.Time{}
		receipt, err := sender.Send(hurried(t), m)
		mustOutcome(t, destination.OutcomeDelivered, err)
		mustKeep(t, f, 1, 2)
		if receipt.ExternalID != "SEC-1" {
			t.Errorf("got %+v, want the issue SEC-1", receipt)
		}
	})
}

func TestSend_DoesNotSearchOnTheFirstAttempt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fake, sender destination.Sender) {
		t.Helper()
		_, err := sender.Send(t.Context(), destinationtest.Message())
		mustOutcome(t, destination.OutcomeDelivered, err)
		mustKeep(t, f, 1, 0)
	})
}

func TestSend_LeavesIssuesOfOtherDeliveriesAlone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fake, sender destination.Sender) {
		t.Helper()
		other := destinationtest.Message()
		other.DeliveryID = "another"
		f.issues = []issue{{Key: "SEC-1", Project: "SEC", Labels: []string{jira.Label(other)}}}
		receipt, err := sender.Send(t.Context(), again(9900*time.Millisecond))
		mustOutcome(t, destination.OutcomeDelivered, err)
		mustKeep(t, f, 2, 2)
		if receipt.ExternalID != "SEC-2" {
			t.Errorf("got %+v, want an issue of its own", receipt)
		}
	})
}

// A person may have moved the issue to another project before the retry comes.
func TestSend_FindsTheIssueThatWasMoved(t *testing.T) {
	t.Parallel()
	label := jira.Label(destinationtest.Message())
	for name, lag := range map[string]int{"by its label": 0, "by its old key": 1000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, f *fake, sender destination.Sender) {
				t.Helper()
				f.lag = lag
				f.issues = []issue{{Key: "OPS-7", was: "SEC-3", Project: "OPS", Labels: []string{label}}}
				receipt, err := sender.Send(t.Context(), again(9900*time.Millisecond))
				mustOutcome(t, destination.OutcomeDelivered, err)
				mustKeep(t, f, 1, min(lag, 1)+1)
				if receipt.ExternalID != "OPS-7" || !strings.HasSuffix(receipt.ExternalURL, "/browse/OPS-7") {
					t.Errorf("got %+v, want the issue where it is now", receipt)
				}
			})
		})
	}
}

// TestSend_FindsTheIssueThatTheSearchDoesNotSee has a search that stays behind, so that only its key leads to the issue.
func TestSend_FindsTheIssueThatTheSearchDoesNotSee(t *testing.T) {
	t.Parallel()
	ours := jira.Label(destinationtest.Message())
	// others are issues whose numbers are given, and whether the search sees them.
	others := func(project string, indexed bool, numbers ...int) (issues []issue) {
		for _, n := range numbers {
			issues = append(issues, issue{Key: fmt.Sprintf("%s-%d", project, n), Project: "SEC", indexed: indexed, Labels: []string{"other"}})
		}
		return issues
	}
	made := func(key string) []issue { return []issue{{Key: key, Project: "SEC", Labels: []string{ours}}} }
	var many []int
	for n := range 49 {
		many = append(many, n+101)
	}
	for name, c := range map[string]struct {
		issues []issue
		want   string // the issue that is found; "" is that one more is made
		reads  int
	}{
		"the first of the project":   {made("SEC-1"), "SEC-1", 6},
		"the next":                   {slices.Concat(others("SEC", true, 98, 99, 100), made("SEC-101")), "SEC-101", 23},
		"behind a gap":               {slices.Concat(others("SEC", true, 1, 2, 3), made("SEC-8")), "SEC-8", 10},
		"behind others not seen":     {slices.Concat(others("SEC", true, 100), others("SEC", false, many...), made("SEC-150")), "SEC-150", 69},
		"before others that are":     {slices.Concat(others("SEC", true, 1, 2), made("SEC-3"), others("SEC", true, 4, 5)), "SEC-3", 6},
		"of a project with new name": {slices.Concat(others("NEW", true, 1, 2, 3), made("NEW-4")), "NEW-4", 6},
		"in no project at all":       {nil, "", 5},
		"too far behind a gap":       {slices.Concat(others("SEC", true, 1, 2, 3), made("SEC-9")), "", 5},
		"too far behind others":      {slices.Concat(others("SEC", true, 100), others("SEC", false, append(many, 150)...), made("SEC-151")), "", 69},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, f *fake, sender destination.Sender) {
				t.Helper()
				f.lag, f.issues = 1000, slices.Clone(c.issues)
				receipt, err := sender.Send(t.Context(), again(10*time.Second))
				mustOutcome(t, destination.OutcomeDelivered, err)
				found := receipt.StatusCode == http.StatusOK
				if found != (c.want != "") || found && receipt.ExternalID != c.want || f.searches != 2 || f.reads != c.reads {
					t.Errorf("got %+v after %d searches and %d reads, want %q after 2 and %d", receipt, f.searches, f.reads, c.want, c.reads)
				}
			})
		})
	}
}

// TestSend_LooksPastTheSearchOnceForABacklog has many deliveries that a process which was killed may have tried, two of which
// it had, and a search that stays behind.
func TestSend_LooksPastTheSearchOnceForABacklog(t *testing.T) {
	t.Parallel()
	const backlog = 40
	each(t, func(t *testing.T, f *fake, sender destination.Sender) {
		t.Helper()
		inherited := func(n int) *destination.Message {
			m := again(10 * time.Second)
			m.DeliveryID = fmt.Sprintf("delivery %d", n)
			return m
		}
		f.lag = 1000
		for _, n := range []int{7, 30} {
			f.issues = append(f.issues, issue{Key: fmt.Sprintf("SEC-%d", len(f.issues)+1), Project: "SEC", Labels: []string{jira.Label(inherited(n))}})
		}
		var wg sync.WaitGroup
		for n := range backlog {
			wg.Go(func() {
				receipt, err := sender.Send(t.Context(), inherited(n))
				if found := receipt.StatusCode == http.StatusOK; err != nil || found != (n == 7 || n == 30) {
					t.Errorf("delivery %d: got %+v, error %v", n, receipt, err)
				}
			})
		}
		wg.Wait()
		mustKeep(t, f, backlog, backlog+1)
		if f.reads != 7 { // both issues, and five keys that have none
			t.Errorf("got %d reads, want those of one look", f.reads)
		}

		// What was tried since may have been made after that look.
		f.lose = true
		m := inherited(backlog)
		m.Attempt, m.Again = 1, false
		_, err := sender.Send(t.Context(), m)
		mustOutcome(t, destination.OutcomeAmbiguous, err)
		f.clock = f.clock.Add(10 * time.Second)
		m = inherited(backlog)
		m.Tried = f.clock.Add(-10 * time.Second)
		receipt, err := sender.Send(t.Context(), m)
		mustOutcome(t, destination.OutcomeDelivered, err)
		mustKeep(t, f, backlog+1, backlog+3)
		if receipt.StatusCode != http.StatusOK {
			t.Errorf("got %+v, want the issue that was made", receipt)
		}
	})
}

// TestSend_LeavesTimeToMakeTheIssue has a Jira that needs a second for a read, and so many to read that an attempt's time
// would be over.
func TestSend_LeavesTimeToMakeTheIssue(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fake, sender destination.Sender) {
		t.Helper()
		f.lag, f.pace = 1000, time.Second
		f.issues = []issue{{Key: "SEC-100", Project: "SEC", indexed: true}}
		receipt, err := sender.Send(t.Context(), again(10*time.Second))
		mustOutcome(t, destination.OutcomeDelivered, err)
		if receipt.StatusCode != http.StatusCreated || f.reads != 10 {
			t.Errorf("got %+v after %d reads, want the issue to be made after 10", receipt, f.reads)
		}
	})
}

func TestSend_MakesNothingWhenAReadFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		read func(http.ResponseWriter)
		want destination.Outcome
	}{
		"overload":   {answer(500, nil, ""), destination.OutcomeRetry},
		"throttled":  {answer(429, http.Header{"Retry-After": {"5"}}, ""), destination.OutcomeWait},
		"lost":       {hangUp, destination.OutcomeRetry},
		"login page": {answer(200, nil, "<html>Log in</html>"), destination.OutcomeRetry},
		"no issue":   {answer(200, nil, `{}`), destination.OutcomeRetry},
		"refused":    {answer(403, nil, ""), destination.OutcomeDelivered}, // an alert is rather brought twice than lost
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, f *fake, sender destination.Sender) {
				t.Helper()
				f.read = c.read
				_, err := sender.Send(t.Context(), again(10*time.Second))
				mustOutcome(t, c.want, err)
				want := 0
				if c.want == destination.OutcomeDelivered {
					want = 1
				}
				mustKeep(t, f, want, 2)
			})
		})
	}
}

func TestSend_MakesNothingWhenTheSearchFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		search func(http.ResponseWriter)
		want   destination.Outcome
	}{
		"overload":     {answer(503, nil, ""), destination.OutcomeRetry},
		"throttled":    {answer(429, http.Header{"Retry-After": {"5"}}, ""), destination.OutcomeWait},
		"lost":         {hangUp, destination.OutcomeRetry},
		"login page":   {answer(200, nil, "<html>Log in</html>"), destination.OutcomeRetry},
		"no list":      {answer(200, nil, `{}`), destination.OutcomeRetry},
		"another list": {answer(200, nil, `[]`), destination.OutcomeRetry},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, f *fake, sender destination.Sender) {
				t.Helper()
				f.search = c.search
				_, err := sender.Send(t.Context(), again(time.Second))
				mustOutcome(t, c.want, err)
				mustKeep(t, f, 0, 1)
				if err == nil || !strings.Contains(err.Error(), "searching for it failed") {
					t.Errorf("got error %v, want one that names the search", err)
				}
			})
		})
	}
}

// An alert is rather brought twice than lost, so a search that is refused for good does not keep it.
func TestSend_MakesTheIssueWhenTheSearchIsRefused(t *testing.T) {
	t.Parallel()
	for name, search := range map[string]func(http.ResponseWriter){
		"no scope":   answer(401, nil, `{"code":401,"message":"Unauthorized; scope does not match"}`),
		"no project": answer(400, nil, `{"errorMessages":["The value 'SEC' does not exist for the field 'project'."],"errors":{}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, f *fake, sender destination.Sender) {
				t.Helper()
				f.search = search
				receipt, err := sender.Send(t.Context(), again(time.Second))
				if err != nil || receipt.ExternalID != "SEC-1" {
					t.Errorf("got %+v, error %v, want the issue", receipt, err)
				}
				mustKeep(t, f, 1, 1)
			})
		})
	}
}

func TestSend_MakesNothingWhenItsTimeEndsInTheWait(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fake, sender destination.Sender) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		f.search = func(w http.ResponseWriter) {
			answer(200, nil, `{"issues":[]}`)(w)
			time.AfterFunc(100*time.Millisecond, cancel) // there is no deadline, so the wait would be long
		}
		_, err := sender.Send(ctx, again(time.Second))
		mustOutcome(t, destination.OutcomeRetry, err)
		mustKeep(t, f, 0, 1)
	})
}

func TestSend_TriesTheSearchInATest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fake, sender destination.Sender) {
		t.Helper()
		if _, err := sender.Send(t.Context(), destinationtest.Test()); err != nil {
			t.Error(err)
		}
		mustKeep(t, f, 1, 1)
		f.search = answer(403, nil, "")
		receipt, err := sender.Send(t.Context(), destinationtest.Test())
		mustOutcome(t, destination.OutcomePermanent, err)
		mustKeep(t, f, 2, 2)
		if receipt.ExternalID != "SEC-2" || err == nil || !strings.Contains(err.Error(), "SEC-2 was made, but searching for it failed") {
			t.Errorf("got %+v, error %v, want both the issue and what failed", receipt, err)
		}
	})
}

// The issue of a test is there, whatever keeps the search that comes after it for a while.
func TestSend_DeliversATestWhoseSearchFailsInPassing(t *testing.T) {
	t.Parallel()
	for name, search := range map[string]func(http.ResponseWriter){
		"throttled": answer(429, http.Header{"Retry-After": {"5"}}, ""),
		"overload":  answer(503, nil, ""),
		"edge":      answer(400, nil, "<html>"),
		"lost":      hangUp,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, f *fake, sender destination.Sender) {
				t.Helper()
				f.search = search
				receipt, err := sender.Send(t.Context(), destinationtest.Test())
				if err != nil || receipt.ExternalID != "SEC-1" {
					t.Errorf("got %+v, error %v, want the issue", receipt, err)
				}
				mustKeep(t, f, 1, 1)
			})
		})
	}
}

func TestSend_Signs(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"cloud":       "Basic " + base64.StdEncoding.EncodeToString([]byte("a@example.com:ATATT3xFfGF0secret")),
		"data center": "Basic " + base64.StdEncoding.EncodeToString([]byte("robot:correct horse")),
	}
	for name, kind := range kinds {
		f := newFake(t)
		sender := open(t, kind.typ, strings.ReplaceAll(kind.config, "%s", f.URL), f.now)
		if _, err := sender.Send(t.Context(), again(9900*time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		for _, r := range f.seen {
			if got := r.Header.Get("Authorization"); got != want[name] {
				t.Errorf("%s %s: got %q, want %q", r.Method, r.URL.Path, got, want[name])
			}
		}
		if len(f.seen) != 8 {
			t.Errorf("%s: got %d requests, want two searches, five reads and a creation", name, len(f.seen))
		}
	}
}

func TestSend_ClassesWhatJiraAnswers(t *testing.T) {
	t.Parallel()
	page := http.Header{"Content-Type": {"text/html; charset=UTF-8"}}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		want   destination.Outcome
		wait   time.Duration
		says   []string // in the error or the receipt's message
	}{
		"field not on screen": {
			answer(400, nil, `{"errorMessages":[],"errors":{"priority":"Field 'priority' cannot be set. It is not on the appropriate screen, or unknown."}}`),
			destination.OutcomePermanent, 0,
			[]string{"priority: Field 'priority' cannot be set.", "priority_by_severity"},
		},
		"labels not on screen": {
			answer(400, nil, `{"errorMessages":[],"errors":{"labels":"Field 'labels' cannot be set."}}`),
			destination.OutcomePermanent, 0,
			[]string{"labels: Field", "a retry finds the issue by one"},
		},
		"required custom field": {
			answer(400, nil, `{"errorMessages":["Es ist ein Fehler aufgetreten."],"errors":{"customfield_10050":"Team is required.","customfield_10051":"Area is required."}}`),
			destination.OutcomePermanent, 0,
			[]string{"Es ist ein Fehler aufgetreten.; customfield_10050: Team is required.; customfield_10051: Area is required.", "custom_fields must set customfield_10050"},
		},
		"no project": {
			answer(400, nil, `{"errorMessages":[],"errors":{"project":"valid project is required"}}`),
			destination.OutcomePermanent, 0,
			[]string{"project: valid project is required", "project_key must name a project that this account can see"},
		},
		"configuration problem": {
			answer(422, nil, `{"errorMessages":[],"errors":{"customfield_10050":"The field has no context here."}}`),
			destination.OutcomePermanent, 0,
			[]string{"customfield_10050: The field has no context", "custom_fields must set customfield_10050"},
		},
		"too long":            {answer(400, nil, `{"errorMessages":["CONTENT_LIMIT_EXCEEDED"],"errors":{}}`), destination.OutcomePermanent, 0, []string{"CONTENT_LIMIT_EXCEEDED"}},
		"unauthorized":        {answer(401, nil, "Client must be authenticated to access this resource."), destination.OutcomePermanent, 0, []string{"still valid", "Client must be"}},
		"forbidden":           {answer(403, nil, ""), destination.OutcomePermanent, 0, []string{"Browse Projects and Create Issues"}},
		"not found":           {answer(404, nil, `{"errorMessage":"Site temporarily unavailable"}`), destination.OutcomePermanent, 0, []string{"see the project?"}},
		"conflict":            {answer(409, nil, ""), destination.OutcomePermanent, 0, nil},
		"too large":           {answer(413, nil, ""), destination.OutcomePermanent, 0, nil},
		"redirect to a login": {answer(302, http.Header{"Location": {"/login.jsp"}}, ""), destination.OutcomePermanent, 0, []string{"sends the request elsewhere"}},
		"captcha": {
			answer(403, http.Header{"X-Authentication-Denied-Reason": {"CAPTCHA_CHALLENGE; login-url=https://jira.example.com/login.jsp"}}, "<html>"),
			destination.OutcomePermanent, 0,
			[]string{"CAPTCHA: log in once in a browser"},
		},
		"captcha, as Seraph says": {
			answer(401, http.Header{"X-Seraph-Loginreason": {"AUTHENTICATION_DENIED"}}, ""), destination.OutcomePermanent, 0, []string{"CAPTCHA: log in once"},
		},
		"page at the edge":      {answer(400, page, "<!DOCTYPE html><title>400</title>"), destination.OutcomeRetry, 0, []string{"not Jira's"}},
		"bare page at the edge": {answer(400, http.Header{"Content-Type": {"text/plain"}}, "\n<html>Bad request</html>"), destination.OutcomeRetry, 0, nil},
		"gateway":               {answer(502, page, "<html>Bad gateway</html>"), destination.OutcomeRetry, 0, nil},
		"throttled":             {answer(429, http.Header{"Retry-After": {"17"}, "X-Ratelimit-Reset": {"2026-11-21T04:00Z"}}, ""), destination.OutcomeWait, 17 * time.Second, nil},
		"throttled until":       {answer(429, http.Header{"X-Ratelimit-Reset": {"2026-11-21T03:37Z"}}, ""), destination.OutcomeWait, 96 * time.Second, nil},
		"throttled until, with seconds and offset": {
			answer(429, http.Header{"X-Ratelimit-Reset": {"2026-11-21T05:36:00+02:00"}}, ""), destination.OutcomeWait, 36 * time.Second, nil,
		},
		"throttled until a time that is over": {answer(429, http.Header{"X-Ratelimit-Reset": {"2026-11-21T03:35Z"}}, ""), destination.OutcomeRetry, 0, nil},
		"throttled until nonsense":            {answer(429, http.Header{"X-Ratelimit-Reset": {"soon"}}, ""), destination.OutcomeRetry, 0, nil},
		"not found until":                     {answer(404, http.Header{"X-Ratelimit-Reset": {"2026-11-21T03:37Z"}}, ""), destination.OutcomePermanent, 0, nil},
		"login page":                          {answer(200, page, "<html>Log in</html>"), destination.OutcomeAmbiguous, 0, []string{"names no issue"}},
		"another answer":                      {answer(201, nil, `{"key":"../../evil"}`), destination.OutcomeAmbiguous, 0, []string{"names no issue"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, f *fake, sender destination.Sender) {
				t.Helper()
				f.create = c.answer
				receipt, err := sender.Send(t.Context(), destinationtest.Message())
				outcome, wait := destination.OutcomeOf(err)
				if outcome != c.want || wait != c.wait {
					t.Errorf("got %s after %s (error %v), want %s after %s", outcome, wait, err, c.want, c.wait)
				}
				shown := fmt.Sprintf("%v: %s", err, receipt.Message)
				for _, want := range c.says {
					if !strings.Contains(shown, want) {
						t.Errorf("got %q, want it to say %q", shown, want)
					}
				}
				if receipt.ExternalID != "" || receipt.ExternalURL != "" {
					t.Errorf("got %+v, want no issue named", receipt)
				}
			})
		})
	}
}

func TestSend_MasksSecretsInWhatJiraSays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fake, sender destination.Sender) {
		t.Helper()
		pairs := []string{
			"ATATT3xFfGF0secret", "correct horse",
			base64.StdEncoding.EncodeToString([]byte("a@example.com:ATATT3xFfGF0secret")), base64.StdEncoding.EncodeToString([]byte("robot:correct horse")),
		}
		secrets := strings.Join(pairs, " ")
		f.create = answer(400, nil, fmt.Sprintf(`{"errorMessages":[%q],"errors":{%q:%q}}`, secrets, secrets, secrets))
		receipt, err := sender.Send(t.Context(), destinationtest.Message())
		shown := fmt.Sprintf("%v %+v", err, receipt)
		own := []string{pairs[1], pairs[3]}
		if strings.Contains(f.seen[0].URL.Path, "/api/3/") {
			own = []string{pairs[0], pairs[2]}
		}
		for _, secret := range own {
			if strings.Contains(shown, secret) {
				t.Errorf("%q can be read in %q", secret, shown)
			}
		}
	})
}

func TestLabel_IsThatOfTheDelivery(t *testing.T) {
	t.Parallel()
	first, second := jira.Label(destinationtest.Message()), jira.Label(again(time.Hour))
	other := destinationtest.Message()
	other.DeliveryID += "x"
	if first != second || first == jira.Label(other) || !strings.HasPrefix(first, "alertrouter-") || strings.ContainsAny(first, ` "`) || len(first) > 40 {
		t.Errorf("got %q, then %q, and %q for another delivery", first, second, jira.Label(other))
	}
}

// TestSend_ShortensADescriptionThatIsTooLong has administrators who allow less than the config says.
func TestSend_ShortensADescriptionThatIsTooLong(t *testing.T) {
	t.Parallel()
	for _, says := range []string{
		`{"errorMessages":[],"errors":{"description":"The entered text is too long. It exceeds the allowed limit of 10,000 characters."}}`,
		`{"errorMessages":["CONTENT_LIMIT_EXCEEDED"],"errors":{}}`,
	} {
		each(t, func(t *testing.T, f *fake, sender destination.Sender) {
			t.Helper()
			f.create = func(w http.ResponseWriter) {
				f.create = nil
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, says)
			}
			m := destinationtest.Large(100_000)
			m.Again, m.Tried = true, now.Add(-time.Hour)
			receipt, err := shrink.Send(t.Context(), sender, m)
			if err != nil || !receipt.Truncated || receipt.ExternalID == "" || len(f.issues) != 1 || len(f.seen) != 3 {
				t.Errorf("%s: got %+v (error %v) after %d requests, want one search, one refusal and a third to make the issue", says, receipt, err, len(f.seen))
			}
		})
	}
}
