// SPDX-License-Identifier: MPL-2.0

package jira

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Site is one Jira: where it is, how to sign in, and what differs between Cloud and Data Center.
type Site struct {
	Env     destination.Env
	API     string                             // what the REST API's paths come after, such as https://acme.atlassian.net/rest/api/3
	Web     string                             // what people open, such as https://acme.atlassian.net
	Sign    Signature                          // who asks
	Search  func(jql string, most int) Request // the request that finds so many issues at most, with their labels
	Hints   Hints                              // what to do about a refusal
	Project string                             // where the issues are made

	past past
}

// Request is one request to the REST API. Path begins with a slash; a nil Body is none.
type Request struct {
	Method, Path string
	Body         []byte
}

// Signature is what a request says of who sends it, and what must be masked where it is quoted.
type Signature struct {
	header  string
	secrets []secret.String
}

// Bearer signs with a token.
func Bearer(token secret.String) Signature {
	return Signature{header: "Bearer " + token.Reveal(), secrets: []secret.String{token}}
}

// Basic signs with a name and a password, or a token in its place.
func Basic(name string, password secret.String) Signature {
	pair := base64.StdEncoding.EncodeToString([]byte(name + ":" + password.Reveal()))
	return Signature{header: "Basic " + pair, secrets: []secret.String{password, secret.New(pair)}}
}

// Send makes one attempt. An issue that an earlier attempt may have made is searched for before another is: found, the
// alert is delivered. Where the search fails so does the attempt, since it would else be a guess.
func (s *Site) Send(ctx context.Context, m *destination.Message, issue destination.Rendering) (destination.Receipt, error) {
	receipt, err := s.bring(ctx, m, issue.Body)
	receipt.Truncated = issue.Truncated
	return receipt, err
}

func (s *Site) bring(ctx context.Context, m *destination.Message, body []byte) (destination.Receipt, error) {
	if m.MustLook() {
		receipt, err := s.findPatiently(ctx, m)
		if err != nil && !destination.IsRefused(err) {
			return receipt, fmt.Errorf("an earlier attempt may have made the issue, and searching for it failed: %w", destination.NotSent(err))
		}
		if err == nil && receipt.ExternalID != "" {
			return receipt, nil
		}
	}
	receipt, err := s.create(ctx, body)
	if err != nil || !m.Test {
		return receipt, err
	}
	return receipt, s.trySearch(ctx, m, receipt.ExternalID)
}

// create makes the issue.
func (s *Site) create(ctx context.Context, body []byte) (destination.Receipt, error) {
	receipt, resp, err := s.exchange(ctx, Request{Method: http.MethodPost, Path: "/issue", Body: body})
	if err != nil {
		return receipt, err
	}
	var made struct {
		Key string `json:"key"`
	}
	if json.Unmarshal(resp.Body, &made) != nil || !issueKey.MatchString(made.Key) {
		return receipt, destination.Unconfirmed("issue")
	}
	return s.name(receipt, made.Key), nil
}

// name puts an issue's key and link into a receipt.
func (s *Site) name(receipt destination.Receipt, key string) destination.Receipt {
	receipt.ExternalID = key
	receipt.ExternalURL = s.Web + "/browse/" + key
	return receipt
}

// trySearch shows, after a test has made its issue, that a retry could search for it: that takes a permission, and of a
// token a scope, that making an issue does not. A search that fails in passing shows nothing, and the issue is there.
func (s *Site) trySearch(ctx context.Context, m *destination.Message, key string) error {
	_, err := s.find(ctx, m)
	if !destination.IsRefused(err) {
		return nil
	}
	return fmt.Errorf("the test issue %s was made, but searching for it failed, as a retry would: %w", key, err)
}

// exchange makes a request. The receipt's message is what Jira says, in words where it says it in its JSON of errors.
func (s *Site) exchange(ctx context.Context, r Request) (destination.Receipt, *outbound.Response, error) {
	header := http.Header{"Accept": {"application/json"}, "Authorization": {s.Sign.header}}
	receipt, resp, err := s.Env.Exchange(ctx, r.Method, s.API+r.Path, header, r.Body, s.Sign.secrets...)
	if err == nil || resp == nil {
		return receipt, resp, err
	}
	said := complaintOf(resp)
	if words := said.words(); words != "" {
		receipt.Message = s.mask(words)
	}
	return receipt, resp, s.judge(resp, said, err)
}

// mask returns a text from an answer as it may be shown.
func (s *Site) mask(text string) string {
	return (&outbound.Response{Body: []byte(text)}).Excerpt(s.Sign.secrets...)
}
