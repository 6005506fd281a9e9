// SPDX-License-Identifier: MPL-2.0

package github

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
)

// How far back an attempt looks for the issue of one before it: at the newest issues of the repository, page by page, down
// to those opened before the alert was made, and at no more than a thousand. GitHub makes no more than 500 of a token's in
// an hour, so that is two hours of a storm; beyond it the alert is rather brought twice than lost.
//
// The list is looked at because it has an issue as soon as there is one. The search index, which could be asked for the
// mark, is behind by seconds to minutes, and an attempt follows another within one.
const (
	pageSize = 50
	maxPages = 20
)

// errNoList is why an alert waits although GitHub answers.
var errNoList = errors.New("there is no list of issues in GitHub's answer, so it is not known whether the issue is there already")

// find looks for the issue that an earlier attempt at the delivery opened; nil is none. The receipt beside one, or beside
// an error, is of the last answer.
func (s *sender) find(ctx context.Context, m *destination.Message) (destination.Receipt, *made, error) {
	mark, since := marker(m), m.Since(s.env.Now())
	query := url.Values{
		"state": {"all"}, "sort": {"created"}, "direction": {"desc"},
		"since": {since.Format(time.RFC3339)}, "per_page": {strconv.Itoa(pageSize)},
	}
	for page := range maxPages {
		query.Set("page", strconv.Itoa(page+1))
		receipt, resp, err := s.exchange(ctx, http.MethodGet, s.config.issues()+"?"+query.Encode(), nil)
		if err != nil {
			return receipt, nil, destination.NotSent(err)
		}
		var list []made
		if json.Unmarshal(resp.Body, &list) != nil || list == nil {
			return receipt, nil, errNoList
		}
		for _, i := range list {
			if i.Number > 0 && i.PullRequest == nil && hasLine(i.Body, mark) {
				s.confirm(&receipt, &i)
				receipt.Message = "An earlier attempt had opened issue " + receipt.ExternalID + "."
				return receipt, &i, nil
			}
		}
		if len(list) < pageSize || list[len(list)-1].CreatedAt.Before(since) {
			break
		}
	}
	return destination.Receipt{}, nil, nil
}

// hasLine reports whether one of a text's lines is this one. Whoever edits the issue may add lines after it.
func hasLine(text, line string) bool {
	return slices.Contains(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), line)
}
