// SPDX-License-Identifier: MPL-2.0

package api

import (
	"strconv"
	"strings"

	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
	"github.com/alertrouter/terraform-provider-alertrouter/server/registry"
)

func etag(revision int64) *string {
	tag := strconv.Quote(strconv.FormatInt(revision, 10))
	return &tag
}

// ifMatch reads an If-Match header as RFC 9110 has it: nil where there is none, registry.AnyRevision for "*", and else
// the revisions its tags name. A weak tag and one that is not ours match nothing; where no other is left, nothing can
// match, and the error is problem.Stale.
func ifMatch(header *IfMatch) ([]int64, error) {
	if header == nil {
		return nil, nil
	}
	if strings.TrimSpace(*header) == "*" {
		return []int64{registry.AnyRevision}, nil
	}
	tags, ok := entityTags(*header)
	if !ok {
		return nil, problem.New(problem.Stale, `If-Match must be ETags this server sent, such as "3", in quotes and with commas between them, or *`)
	}
	var revisions []int64
	for _, tag := range tags {
		if revision, err := strconv.ParseInt(tag, 10, 64); err == nil && *etag(revision) == `"`+tag+`"` && revision > 0 {
			revisions = append(revisions, revision)
		}
	}
	if revisions == nil {
		return nil, problem.New(problem.Stale, `If-Match names no ETag this server sent: it sends revisions in quotes, such as "3", and a weak one never matches`)
	}
	return revisions, nil
}

// entityTags returns what is between the quotes of the strong tags in a list of tags. Commas too many are passed over,
// as RFC 9110 asks for; ok is false when the list is of another form.
func entityTags(list string) (tags []string, ok bool) {
	for first := true; ; first = false {
		rest := strings.TrimLeft(list, " \t,")
		if rest == "" {
			return tags, !first
		}
		if !first && !strings.Contains(list[:len(list)-len(rest)], ",") {
			return nil, false
		}
		rest, weak := strings.CutPrefix(rest, "W/")
		if !strings.HasPrefix(rest, `"`) {
			return nil, false
		}
		tag, after, closed := strings.Cut(rest[1:], `"`)
		if !closed {
			return nil, false
		}
		if !weak {
			tags = append(tags, tag)
		}
		list = after
	}
}
