// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// another answers as a control plane of another version, from a table of bodies by method and path.
func another(t *testing.T, answers map[string]string) (url string, asked func(string) int) {
	t.Helper()
	requests := make(chan string, 1000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r.Method + " " + r.URL.Path
		text, ok := answers[r.Method+" "+r.URL.Path]
		status := http.StatusOK
		switch {
		case !ok:
			status, text = http.StatusNotFound, `{"type":"urn:alertrouter:problem:unknown-path","title":"There is no such operation","status":404}`
		case strings.Contains(text, "urn:alertrouter:problem:invalid"):
			status = http.StatusUnprocessableEntity
		}
		w.Header().Set("Content-Type", "application/json")
		if status >= 400 {
			w.Header().Set("Content-Type", "application/problem+json")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(s.Close)
	var seen []string
	return s.URL, func(request string) (n int) {
		for len(requests) > 0 {
			seen = append(seen, <-requests)
		}
		for _, r := range seen {
			if r == request {
				n++
			}
		}
		return n
	}
}

func version(number string, api, oldest int) string {
	return fmt.Sprintf(`{"version":%q,"api_version":%d,"oldest_api_version":%d}`, number, api, oldest)
}

func TestVersions_AreExplainedWhenAnswersMakeNoSense(t *testing.T) {
	t.Parallel()
	const unknownField = `{"type":"urn:alertrouter:problem:invalid","title":"The request is not valid","status":422,"errors":[{"field":"/config/slack","message":"is not a field of this request"}]}`
	const list = "\ndata \"alertrouter_destinations\" \"all\" {}\ndata \"alertrouter_destination\" \"one\" { id = \"x\" }\n"
	now := client.APIVersion
	for name, c := range map[string]struct {
		answers map[string]string
		config  string
		want    string
	}{
		"too old, and says so": {
			map[string]string{"GET /v1/version": version("0.1.0", now-1, 0), "POST /v1/destinations/validate": unknownField},
			slackWith(slackURL), fmt.Sprintf("control plane is version 0.1.0 (API %d); this provider test speaks API %d: upgrade the control plane", now-1, now),
		},
		"older than versions are": {
			map[string]string{"GET /v1/destinations": `{"items":[]}`},
			list, "older than any that this provider test knows, and is to be upgraded",
		},
		"too new": {
			map[string]string{
				"GET /v1/version": version("9.0.0", now+3, now+2), "GET /v1/destinations": `{"items":{"slack":[]}}`, "GET /v1/destinations/x": `{"id":7}`,
			},
			list, fmt.Sprintf("control plane is version 9.0.0 (API %d); this provider test speaks API %d: upgrade the provider, the control plane needs API %d", now+3, now, now+2),
		},
		"new, but it understands": {
			map[string]string{"GET /v1/version": version("2.0.0", now+1, now), "GET /v1/destinations": `{"items":[]}`},
			list, "This is not how a control plane says that something does not exist",
		},
		"no control plane": {
			map[string]string{"GET /v1/version": `{"nginx":"1.28"}`, "GET /v1/destinations": `[]`, "GET /v1/destinations/x": `[]`},
			list, "no control plane, or one older than any that this provider test knows: check endpoint",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, asked := another(t, c.answers)
			resource.Test(t, resource.TestCase{ProtoV6ProviderFactories: factories(), Steps: []resource.TestStep{{
				Config:   fmt.Sprintf("provider \"alertrouter\" {\n  endpoint = %q\n  token = \"x\"\n}\n", url) + c.config,
				PlanOnly: true, ExpectError: regexp.MustCompile(strings.Join(strings.Fields(regexp.QuoteMeta(c.want)), `\s+`)),
			}}})
			if n := asked("GET /v1/version"); n != 1 {
				t.Errorf("the version was asked for %d times by one process, want once", n)
			}
		})
	}
}

func TestVersions_AreNotAskedForWhenAllIsWell(t *testing.T) {
	w := newWorld(t)
	p := newProxy(t, w)
	w.URL = p.URL
	w.run(
		t,
		resource.TestStep{Config: w.config(slackWith("http://not-slack.example.com")), PlanOnly: true, ExpectError: regexp.MustCompile("webhook_url_wo")},
		resource.TestStep{Config: w.config(slackWith(slackURL) + override(`severity = "HIGH"`))},
		resource.TestStep{PreConfig: func() { w.remove(t) }, Config: w.config(slackWith(slackURL))},
	)
	if slices.Contains(p.requests(), "GET /v1/version") {
		t.Error("the version was asked for")
	}
}
