// SPDX-License-Identifier: MPL-2.0

package api_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/alert"
	"github.com/alertrouter/terraform-provider-alertrouter/server/api"
	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/delivery"
	"github.com/alertrouter/terraform-provider-alertrouter/server/intake"
	"github.com/alertrouter/terraform-provider-alertrouter/server/route"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// nowhere is a log that stores nothing.
type nowhere struct{ intake.Log }

func (nowhere) Accept(_ context.Context, batch []intake.Acceptance) ([]intake.Verdict, error) {
	return make([]intake.Verdict, len(batch)), nil
}

// unheard takes no delivery, and hears nothing.
type unheard struct{}

func (unheard) Reserve(string, int, time.Duration) bool { return false }
func (unheard) Unreserve(string, int)                   {}
func (unheard) Deliver(delivery.Job)                    {}
func (unheard) Wake(string)                             {}
func (unheard) Accepted(route.Scenario)                 {}
func (unheard) Repeated()                               {}

// oneToken is a store of one token.
type oneToken struct {
	auth.Store
	token auth.Token
}

func (s oneToken) Tokens(context.Context) ([]auth.Token, error) { return []auth.Token{s.token}, nil }

// benchHandler is the API over an intake that routes to one destination and stores nothing.
func benchHandler(b *testing.B, bearer string) http.Handler {
	b.Helper()
	tokens, err := auth.NewKeeper(b.Context(), oneToken{token: auth.Token{
		ID: "t", Name: "bench", Hash: auth.HashOf(secret.New(bearer)), Permissions: auth.Permissions(),
	}}, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	table := route.Compile([]route.Destination{{
		ID: "0193b0c4-7f6e-7d4c-a5d0-1c2f3e4d5c6b", DisplayName: "On call", Type: "webhook", Enabled: true, Severities: alert.Severities(),
	}}, nil)
	a := &api.API{
		Tokens: tokens, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Intake: intake.New(nowhere{}, unheard{}, func() *route.Table { return table }, intake.Options{
			BacklogLimit: 1, Backlog: func() delivery.Backlog { return delivery.Backlog{} }, Now: time.Now, Observe: unheard{},
		}),
	}
	handler, err := a.Handler()
	if err != nil {
		b.Fatal(err)
	}
	return handler
}

// statusOnly takes an answer and keeps only its status.
type statusOnly struct {
	header http.Header
	status int
}

func (a *statusOnly) Header() http.Header            { return a.header }
func (a *statusOnly) Write(data []byte) (int, error) { return len(data), nil }
func (a *statusOnly) WriteHeader(status int)         { a.status = status }
func (a *statusOnly) Flush()                         {}

// BenchmarkAcceptAlert is POST /v1/alerts and its batch without network and store: what else an alert of 1 KB costs.
func BenchmarkAcceptAlert(b *testing.B) {
	const bearer = "alertrouter_bench-token-0123456789"
	handler := benchHandler(b, bearer)
	line := fmt.Sprintf(`{"alert_id":"0193b0c4-7f6e-7d4c-a5d0-1c2f3e4d5c6b","type":"RULE","log_types":["AWS.CloudTrail"],"created_at":"2026-03-04T05:06:07Z",`+
		`"detection":{"id":"AWS.Console.Login","name":"Console login","severity":"HIGH","tags":["AWS"]},"generated":{"title":"alice logged in"},`+
		`"context":{"x":"%s"}}`, strings.Repeat("x", 700)) + "\n"
	for _, c := range []struct {
		name, path, kind string
		body             []byte
		status           int
	}{
		{"one", "/v1/alerts", "application/json", []byte(line), http.StatusAccepted},
		{"batch of 100", "/v1/alerts/batch", "application/x-ndjson", []byte(strings.Repeat(line, 100)), http.StatusOK},
	} {
		b.Run(c.name, func(b *testing.B) {
			request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, c.path, nil)
			request.Header.Set("Content-Type", c.kind)
			request.Header.Set("Authorization", "Bearer "+bearer)
			request.ContentLength = int64(len(c.body))
			body := bytes.NewReader(c.body)
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(c.body)
				r := *request
				r.Body = readCloser{body}
				w := statusOnly{header: make(http.Header, 4)}
				handler.ServeHTTP(&w, &r)
				if w.status != c.status {
					b.Fatalf("got status %d, want %d", w.status, c.status)
				}
			}
		})
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
