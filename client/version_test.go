// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

func TestForeign_TellsAnswersOfOtherVersions(t *testing.T) {
	t.Parallel()
	const page, object, document = "text/html", "application/json", "application/problem+json"
	problem := func(kind, field string) string {
		return `{"type":"urn:alertrouter:problem:` + kind + `","title":"x","status":400,"errors":[` + field + `]}`
	}
	for name, c := range map[string]struct {
		status     int
		form, body string
		want       bool
	}{
		"a destination that is gone": {404, document, problem("not-found", ""), false},
		"an operation it lacks":      {404, document, problem("unknown-path", ""), true},
		"a method it lacks":          {405, document, problem("not-allowed", ""), true},
		"a page":                     {404, page, "<html>", true},
		"a page of success":          {200, page, "<html>", true},
		"a redirection":              {302, page, "", true},
		"not implemented":            {501, page, "", true},
		"JSON of another form":       {200, object, `{"severities":"HIGH"}`, true},
		"JSON with another date":     {200, object, `{"created_at":"yesterday"}`, true},
		"no JSON":                    {200, object, `{"id":`, true},
		"a field it lacks":           {422, document, problem("invalid", `{"field":"/x","message":"is not a field of this request"}`), true},
		"a type it lacks":            {422, document, problem("invalid", `{"field":"/config/x","message":"is no destination type; there are slack"}`), true},
		"a field that it wants":      {422, document, problem("invalid", `{"field":"/x","message":"is required"}`), true},
		"a bad value":                {422, document, problem("invalid", `{"field":"/x","message":"must not be empty"}`), false},
		"a conflict":                 {409, document, problem("conflict", ""), false},
		"a failure":                  {500, page, "", false},
	} {
		api, _ := newClient(t, func(int, *http.Request) (*http.Response, error) { return response(c.status, c.form, c.body), nil })
		_, err := client.OK(api.GetDestinationWithResponse(t.Context(), "x"))
		if err == nil || client.Foreign(err) != c.want {
			t.Errorf("%s: Foreign(%v) is %v", name, err, !c.want)
		}
	}
	if client.Foreign(errors.New("connection refused")) || client.Foreign(nil) {
		t.Error("no answer is taken for the answer of another version")
	}
}

func TestAPIVersion_IsTheServersOfThisTree(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	api, err := client.New(s.URL, s.Token)
	if err != nil {
		t.Fatal(err)
	}
	v, err := client.OK(api.GetVersionWithResponse(t.Context()))
	if err != nil || v.APIVersion != client.APIVersion {
		t.Errorf("got %+v (%v), want API version %d", v, err, client.APIVersion)
	}
}

// TestOK_WantsWhatTheContractPromises has somebody else's JSON come with a 200.
func TestOK_WantsWhatTheContractPromises(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"hello":1}`, `{}`, `null`, `{"detection_id":"d"}`} {
		stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		}))
		defer stranger.Close()
		c, err := client.New(stranger.URL, "t")
		if err != nil {
			t.Fatal(err)
		}
		o, err := client.OK(c.GetOverrideWithResponse(t.Context(), "d"))
		if err == nil || !client.Foreign(err) || !strings.Contains(err.Error(), "not the answer of an alertrouter control plane") {
			t.Errorf("%s: got %+v, %v, want an error that says it is no control plane", body, o, err)
		}
	}
}
