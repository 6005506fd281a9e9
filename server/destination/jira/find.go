// SPDX-License-Identifier: MPL-2.0

package jira

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
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
// up to its start, but no later: only in the first moments after a start is there a wait, and a backlog has it once. The
// look past the search costs half a dozen requests, for what is tried within searchLag of a start.
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
	return s.findByKey(ctx, m)
}

// find searches for the issue of a message, wherever it was moved to. The receipt names it when there is one.
func (s *Site) find(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	receipt, issues, err := s.search(ctx, fmt.Sprintf(`labels = "%s" ORDER BY created ASC`, Label(m)), 1)
	if err != nil || len(issues) == 0 {
		return receipt, err
	}
	return s.found(receipt, issues[0]), nil
}

// How far findByKey looks: from the newest issues that the search knows to where so many keys in a row have no issue, and
// no further than fifty. A key has none when its issue was deleted, was never made, or may not be seen.
const (
	newest  = 20
	gap     = 5
	maxKeys = 50
)

// findByKey looks for the issue of a message among the project's newest, one by one where the search does not have them: it
// is only the search that is behind. The keys of a project are counted up.
func (s *Site) findByKey(ctx context.Context, m *destination.Message) (destination.Receipt, error) {
	receipt, issues, err := s.search(ctx, fmt.Sprintf(`project = "%s" ORDER BY created DESC`, s.Project), newest)
	if err != nil {
		return receipt, err
	}
	known, last, project := map[int]bool{}, 0, s.Project
	for _, i := range issues {
		if i.is(m) {
			return s.found(receipt, i), nil
		}
		prefix, digits, _ := strings.Cut(i.Key, "-") // not of the config where the project was renamed
		n, _ := strconv.Atoi(digits)
		known[n], last, project = true, max(last, n), prefix
	}
	for n, missing := max(last-newest, 0)+1, 0; missing < gap && n <= last+maxKeys; n++ {
		if known[n] {
			continue
		}
		receipt, i, err := s.read(ctx, project+"-"+strconv.Itoa(n))
		switch {
		case err != nil:
			return receipt, err
		case i.is(m):
			return s.found(receipt, i), nil
		case i.Key != "":
			missing = 0
		case n > last:
			missing++
		}
	}
	return destination.Receipt{}, nil
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
