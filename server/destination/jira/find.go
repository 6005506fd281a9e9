// SPDX-License-Identifier: MPL-2.0

package jira

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// How Jira may be behind with an issue that it was just asked for.
//
// A request whose answer was lost may still be worked on, so a look that is to settle the matter comes settleTime after it.
// The search, which has an index of its own, takes "a few seconds to minutes" to find an issue on Cloud, mostly seconds:
// https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/ (its remedy, reconcileIssues, wants the id of the
// issue, which a lost answer did not bring). On Data Center the other nodes of a cluster follow within seconds.
const (
	settleTime = 10 * time.Second
	searchLag  = 5 * time.Minute
)

// findPatiently searches and, where there is nothing yet and the attempt before may have ended less than searchLag ago, waits
// until settleTime after it and looks past the search. When a process comes back, what it finds waiting may have been tried
// up to its start, but no later: only in the first moments after a start is there a wait, and a backlog has it, and the look,
// once.
func (s *Site) findPatiently(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	receipt, err := s.find(ctx, m)
	if err != nil || receipt.ExternalID != "" {
		return receipt, err
	}
	wait := settleTime
	if !m.Tried.IsZero() {
		ago := s.Env.Now().Sub(m.Tried)
		if ago >= searchLag {
			return receipt, nil
		}
		wait -= ago
	}
	if deadline, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(deadline)/2) // the rest is for the look and the issue
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return destination.Receipt{}, context.Cause(ctx)
	case <-timer.C:
	}
	return s.findPastSearch(ctx, m, receipt)
}

// find searches for the issue of a message, wherever it was moved to. The receipt names it when there is one.
func (s *Site) find(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	receipt, issues, err := s.search(ctx, fmt.Sprintf(`labels = "%s" ORDER BY created ASC`, Label(m)), 1)
	if err != nil || len(issues) == 0 {
		return receipt, err
	}
	return s.found(receipt, issues[0]), nil
}

// How far a look past the search goes: from the newest issues that the search knows to where so many keys in a row have no
// issue, no further than fifty, and for no longer than lookTime, which with the wait before it leaves a third of an attempt's
// usual time to make the issue. A key has none when its issue was deleted, was never made, or may not be seen.
const (
	newest   = 20
	gap      = 5
	maxKeys  = 50
	lookTime = 10 * time.Second
)

// past is what the last look past the search saw. It serves each message whose attempt before ended settleTime before it.
type past struct {
	mu     sync.Mutex
	at     time.Time // when it began
	issues []issue
}

// findPastSearch looks for the issue of a message among the project's newest. receipt is that of the search that has not
// found it.
func (s *Site) findPastSearch(ctx context.Context, m *destination.Message, receipt destination.Receipt) (destination.Receipt, error) {
	s.past.mu.Lock() // whoever comes meanwhile waits for the look, and mostly needs none of its own
	defer s.past.mu.Unlock()
	if m.Tried.IsZero() || s.past.at.Sub(m.Tried) < settleTime {
		at := s.Env.Now()
		receipt, issues, err := s.look(ctx, at.Add(lookTime))
		if err != nil {
			return receipt, err
		}
		s.past.at, s.past.issues = at, issues
	}
	if n := slices.IndexFunc(s.past.issues, func(i issue) bool { return i.is(m) }); n >= 0 {
		return s.found(receipt, s.past.issues[n]), nil
	}
	return receipt, nil
}

// look returns the project's newest issues, one by one where the search does not have them: it is only the search that is
// behind. The keys of a project are counted up, so those after the last that is known come first. The receipt is that of an
// error.
func (s *Site) look(ctx context.Context, end time.Time) (destination.Receipt, []issue, error) {
	receipt, issues, err := s.search(ctx, fmt.Sprintf(`project = "%s" ORDER BY created DESC`, s.Project), newest)
	if err != nil {
		return receipt, nil, err
	}
	known, last, project := map[int]bool{}, 0, s.Project
	for _, i := range issues {
		prefix, digits, _ := strings.Cut(i.Key, "-") // not of the config where the project was renamed
		n, _ := strconv.Atoi(digits)
		known[n], last, project = true, max(last, n), prefix
	}
	n, step, missing := last+1, 1, 0
	for s.Env.Now().Before(end) {
		if step > 0 && (missing == gap || n > last+maxKeys) { // nothing more follows; now those before it
			n, step = last-1, -1
		}
		if step < 0 && n <= max(last-newest, 0) {
			break
		}
		if !known[n] {
			receipt, i, err := s.read(ctx, project+"-"+strconv.Itoa(n))
			switch {
			case err != nil:
				return receipt, nil, err
			case i.Key == "":
				missing++
			default:
				missing, issues = 0, append(issues, i)
			}
		}
		n += step
	}
	return destination.Receipt{}, issues, nil
}

// issue is what an answer says of an issue.
type issue struct {
	Key    string `json:"key"`
	Fields struct {
		Labels []string `json:"labels"`
	} `json:"fields"`
}

// is reports whether the issue is that of a message.
func (i issue) is(m *destination.Message) bool { return slices.Contains(i.Fields.Labels, Label(m)) }

// found puts an issue that was made before into a receipt.
func (s *Site) found(receipt destination.Receipt, i issue) destination.Receipt {
	receipt.Message = "an earlier attempt has made " + i.Key
	return s.name(receipt, i.Key)
}

// search returns the issues that the search finds.
func (s *Site) search(ctx context.Context, jql string, most int) (destination.Receipt, []issue, error) {
	receipt, resp, err := s.exchange(ctx, s.Search(jql, most))
	if err != nil {
		return receipt, nil, err
	}
	var list struct {
		Issues *[]issue `json:"issues"`
	}
	if json.Unmarshal(resp.Body, &list) != nil || list.Issues == nil {
		return receipt, nil, destination.Unconfirmed("list of issues")
	}
	return receipt, slices.DeleteFunc(*list.Issues, func(i issue) bool { return !issueKey.MatchString(i.Key) }), nil
}

// read returns the issue with a key; there is none where its own key is empty.
func (s *Site) read(ctx context.Context, key string) (destination.Receipt, issue, error) {
	receipt, resp, err := s.exchange(ctx, Request{Method: http.MethodGet, Path: "/issue/" + key + "?fields=labels"})
	if resp != nil && resp.StatusCode == http.StatusNotFound {
		return receipt, issue{}, nil
	}
	if err != nil {
		return receipt, issue{}, err
	}
	var i issue
	if json.Unmarshal(resp.Body, &i) != nil || !issueKey.MatchString(i.Key) {
		return receipt, issue{}, destination.Unconfirmed("issue")
	}
	return receipt, i, nil
}
