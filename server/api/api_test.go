// SPDX-License-Identifier: MPL-2.0

package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/alertrouter/terraform-provider-alertrouter/server/api"
	"github.com/alertrouter/terraform-provider-alertrouter/server/auth"
	"github.com/alertrouter/terraform-provider-alertrouter/server/servertest"
)

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// problem is what a problem document says.
type problem struct {
	Type, Title, Detail string
	Status              int
	RequestID           string `json:"request_id"`
	Errors              []struct{ Field, Message string }
}

// call sends one request; a body that is no string is sent as JSON.
func call(t *testing.T, s *servertest.Server, token, method, path string, body any, header ...string) answer {
	t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	request, err := http.NewRequest(method, s.URL+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, raw}
}

// admin is call with the admin's token, wanting a status, and decoding into a value if it is not nil.
func admin(t *testing.T, s *servertest.Server, want int, into any, method, path string, body any, header ...string) answer {
	t.Helper()
	a := call(t, s, s.Token, method, path, body, header...)
	if a.status != want {
		t.Fatalf("%s %s: got %d %s, want %d", method, path, a.status, a.body, want)
	}
	if into != nil {
		if err := json.Unmarshal(a.body, into); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, a.body)
		}
	}
	return a
}

func fieldsOf(t *testing.T, a answer) []string {
	t.Helper()
	var p problem
	if err := json.Unmarshal(a.body, &p); err != nil || a.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("no problem document: %s %s", a.header.Get("Content-Type"), a.body)
	}
	if p.Status != a.status || p.Title == "" || p.Type == "" || p.RequestID == "" || p.RequestID != a.header.Get("X-Request-Id") {
		t.Errorf("an incomplete problem document: %s", a.body)
	}
	var names []string
	for _, e := range p.Errors {
		if e.Message == "" {
			t.Errorf("no message for %s", e.Field)
		}
		names = append(names, e.Field)
	}
	return names
}

func TestAPI_NamesEveryWrongFieldAtOnce(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		fields             []string
	}{
		"alert, all wrong": {
			"POST", "/v1/alerts", `{"type":"NOPE","created_at":"yesterday","extra":1,"detection":{"severity":"HUGE","more":2},"log_types":[1],"context":[]}`, 422,
			[]string{"/context", "/created_at", "/detection/id", "/detection/more", "/detection/severity", "/extra", "/log_types/0", "/type"},
		},
		"alert, one wrong type and a wrong time": {"POST", "/v1/alerts", `{"type":1,"created_at":"today","detection":{"id":"x","severity":"LOW"}}`, 422, []string{"/created_at", "/type"}},
		"alert, a number too large":              {"POST", "/v1/alerts", `{"type":"RULE","detection":{"id":"x","severity":"LOW","x":1},"context":{"n":1e99999},"y":1}`, 422, []string{"/detection/x", "/y"}},
		"destination, a number too large":        {"POST", "/v1/destinations", `{"display_name":"x","severities":[],"max_age_seconds":1e999,"config":{"slack":{"webhook_url":"https://x"}}}`, 422, []string{"/max_age_seconds"}},
		"alert, a time that has no UTC":          {"POST", "/v1/alerts", `{"type":"RULE","created_at":"9999-12-31T23:59:59-10:00","detection":{"id":"x","severity":"LOW"}}`, 422, []string{"/created_at"}},
		"alert, values only":                     {"POST", "/v1/alerts", `{"type":"NOPE","detection":{"id":"","severity":"HUGE"}}`, 422, []string{"/detection/id", "/detection/severity", "/type"}},
		"alert, no id":                           {"POST", "/v1/alerts", `{"alert_id":"","type":"RULE","detection":{"id":"x","severity":"LOW"}}`, 422, []string{"/alert_id"}},
		"alert, spaced id":                       {"POST", "/v1/alerts", `{"alert_id":"a b","type":"RULE","detection":{"id":"x","severity":"LOW"}}`, 422, []string{"/alert_id"}},
		"alert, twice":                           {"POST", "/v1/alerts", `{"type":"RULE","type":"RULE","detection":{"id":"x","severity":"LOW"}}`, 422, []string{"/type"}},
		"alert, other case":                      {"POST", "/v1/alerts", `{"Type":"RULE","detection":{"id":"x","severity":"LOW"}}`, 422, []string{"/Type", "/type"}},
		"alert, not JSON":                        {"POST", "/v1/alerts", `{"type":`, 400, nil},
		"alert, not UTF-8":                       {"POST", "/v1/alerts", "{\"type\":\"RULE\xff\"}", 400, nil},
		"alert, empty":                           {"POST", "/v1/alerts", ``, 400, nil},
		"preview":                                {"POST", "/v1/route/preview", `{"type":"RULE"}`, 422, []string{"/detection", "/detection/id", "/detection/severity"}},
		"destination": {
			"POST", "/v1/destinations", `{"display_name":"","severities":["X"],"foo":1,"max_age_seconds":0,"config":{"slack":{"nope":1}}}`, 422,
			[]string{"/config/slack/nope", "/config/slack/webhook_url", "/display_name", "/foo", "/max_age_seconds", "/severities/0"},
		},
		"destination, schema and type together": {
			"POST", "/v1/destinations", `{"display_name":"x","severities":["HIGH"],"zz":1,"config":{"webhook":{"url":"ftp://x","signing_secret":"q","nope":1,"headers":{"Host":"a"}}}}`, 422,
			[]string{"/config/webhook/headers/Host", "/config/webhook/nope", "/config/webhook/signing_secret", "/config/webhook/url", "/zz"},
		},
		"unknown parameter":       {"GET", "/v1/alerts?destination=x&limit=5", "", 422, []string{"destination"}},
		"destination, two types":  {"POST", "/v1/destinations", `{"display_name":"x","severities":[],"config":{"slack":{},"webhook":{}}}`, 422, []string{"/config"}},
		"destination, no type":    {"POST", "/v1/destinations", `{"display_name":"x","severities":[],"config":{"pigeon":{}}}`, 422, []string{"/config/pigeon"}},
		"destination, its config": {"POST", "/v1/destinations", `{"display_name":" ","severities":[],"config":{"webhook":{"basic_username":"u"}}}`, 422, []string{"/config/webhook/basic_password", "/config/webhook/url", "/display_name"}},
		"destination, nulls":      {"POST", "/v1/destinations", `{"display_name":null,"severities":null,"config":null}`, 422, []string{"/config", "/display_name", "/severities"}},
		"override, dry":           {"POST", "/v1/overrides/d/validate", `{"severity":"low","destinations":[""],"x":1}`, 422, []string{"/destinations/0", "/severity", "/x"}},
		"override":                {"PUT", "/v1/overrides/d", `{"severity":"low","destinations":[""],"x":1}`, 422, []string{"/destinations/0", "/severity", "/x"}},
		"dispatch":                {"POST", "/v1/alerts/x/dispatch", `{"destinations":[]}`, 422, []string{"/destinations"}},
		"token":                   {"POST", "/v1/tokens", `{"name":"x","role":"engine","permissions":["alerts:write"]}`, 422, []string{"/role"}},
		"replay of everything":    {"POST", "/v1/deliveries/retry", `{}`, 422, []string{""}},
		"page size":               {"GET", "/v1/alerts?limit=0", "", 422, []string{"limit"}},
		"page size, no number":    {"GET", "/v1/deliveries?limit=many", "", 400, []string{"limit"}},
		"cursor":                  {"GET", "/v1/deliveries?cursor=%21", "", 422, []string{"cursor"}},
		"state":                   {"GET", "/v1/deliveries?state=LOST", "", 422, []string{"state"}},
		"unknown path":            {"GET", "/v1/nothing", "", 404, nil},
		"unknown method":          {"PATCH", "/v1/alerts", "", 405, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := call(t, s, s.Token, c.method, c.path, c.body)
			if a.status != c.status {
				t.Fatalf("got %d %s, want %d", a.status, a.body, c.status)
			}
			if got := slices.Compact(fieldsOf(t, a)); !slices.Equal(got, c.fields) {
				t.Errorf("got the fields %q, want %q", got, c.fields)
			}
		})
	}
}

func TestAPI_RefusesOtherContentTypesAndLargeBodies(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	alert := `{"type":"RULE","detection":{"id":"x","severity":"LOW"}}`
	if a := call(t, s, s.Token, "POST", "/v1/alerts", alert, "Content-Type", "text/plain"); a.status != 415 {
		t.Errorf("text/plain: got %d, want 415", a.status)
	}
	if a := call(t, s, s.Token, "POST", "/v1/alerts", alert, "Content-Type", "application/json; charset=utf-8"); a.status != 202 {
		t.Errorf("with a charset: got %d %s, want 202", a.status, a.body)
	}
	large := `{"type":"RULE","detection":{"id":"x","severity":"LOW"},"context":{"x":"` + strings.Repeat("a", api.MaxBody) + `"}}`
	if a := call(t, s, s.Token, "POST", "/v1/alerts", large); a.status != 413 {
		t.Errorf("a body of %d bytes: got %d, want 413", len(large), a.status)
	}
	if a := call(t, s, s.Token, "POST", "/v1/alerts/batch", strings.Repeat(alert+"\n", 1001), "Content-Type", "application/x-ndjson"); a.status != 413 {
		t.Errorf("a batch of 1,001: got %d, want 413", a.status)
	}
}

// Every operation asks for exactly the permission its contract names.
func TestAPI_EveryOperationAsksForItsPermission(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	document, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[auth.Permission]string{}
	for _, p := range auth.Permissions() {
		others := slices.DeleteFunc(auth.Permissions(), func(other auth.Permission) bool { return other == p })
		var created struct{ Secret string }
		admin(t, s, 201, &created, "POST", "/v1/tokens", map[string]any{"name": "all but " + string(p), "permissions": others})
		tokens[p] = created.Secret
	}
	checked := 0
	for path, item := range document.Paths.Map() {
		for method, o := range item.Operations() {
			permission := auth.Permission(o.Extensions["x-permission"].(string))
			path := strings.NewReplacer("{alert_id}", "a", "{id}", "b", "{detection_id}", "c").Replace(path)
			checked++
			if permission == "public" {
				if a := call(t, s, "", method, path, nil); a.status != 200 {
					t.Errorf("%s %s without a token: got %d, want 200", method, path, a.status)
				}
				continue
			}
			if permission == "any" {
				for lacking, token := range tokens {
					if a := call(t, s, token, method, path, nil); a.status != 200 {
						t.Errorf("%s %s without %s: got %d %s, want 200", method, path, lacking, a.status, a.body)
					}
				}
			} else if tokens[permission] == "" {
				t.Errorf("%s %s asks for %q, which is no permission", method, path, permission)
				continue
			} else if a := call(t, s, tokens[permission], method, path, nil); a.status != 403 || !strings.Contains(string(a.body), string(permission)) {
				t.Errorf("%s %s without %s: got %d %s, want 403 that names it", method, path, permission, a.status, a.body)
			}
			for _, token := range []string{"", "alertrouter_wrong"} {
				if a := call(t, s, token, method, path, nil); a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s %s with the token %q: got %d, want 401", method, path, token, a.status)
				}
			}
			if a := call(t, s, s.Token, method, path, nil); a.status == 401 || a.status == 403 || a.status >= 500 {
				t.Errorf("%s %s as admin: got %d %s", method, path, a.status, a.body)
			}
		}
	}
	if checked < 25 {
		t.Fatalf("checked %d operations; there are more", checked)
	}
}

func TestAPI_ATokenGivesNoMoreThanItHas(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	var limited struct{ ID, Secret string }
	admin(t, s, 201, &limited, "POST", "/v1/tokens", map[string]any{"name": "limited", "permissions": []string{"tokens:write", "alerts:read"}})
	if a := call(t, s, limited.Secret, "POST", "/v1/tokens", map[string]any{"name": "more", "role": "admin"}); a.status != 403 {
		t.Errorf("a limited token made an admin: %d %s", a.status, a.body)
	}
	if a := call(t, s, limited.Secret, "POST", "/v1/tokens", map[string]any{"name": "as much", "permissions": []string{"alerts:read"}}); a.status != 201 {
		t.Errorf("got %d %s, want 201", a.status, a.body)
	}
	list := admin(t, s, 200, nil, "GET", "/v1/tokens", nil)
	if strings.Contains(string(list.body), limited.Secret) || strings.Contains(string(list.body), "hash") {
		t.Error("the list shows a secret or its hash")
	}
	admin(t, s, 204, nil, "DELETE", "/v1/tokens/"+limited.ID, nil)
	if a := call(t, s, limited.Secret, "GET", "/v1/alerts", nil); a.status != 401 {
		t.Errorf("a revoked token still works: %d", a.status)
	}
	if a := call(t, s, s.Token, "DELETE", "/v1/tokens/"+limited.ID, nil); a.status != 404 {
		t.Errorf("revoked twice: got %d, want 404", a.status)
	}
	for _, token := range []string{"2020-01-01T00:00:00Z", "9999-12-31T23:59:59-10:00"} {
		if a := call(t, s, s.Token, "POST", "/v1/tokens", map[string]any{"name": "x", "role": "viewer", "expires_at": token}); a.status != 422 {
			t.Errorf("a token that expires at %s: got %d, want 422", token, a.status)
		}
	}
	var tokens struct{ Items []struct{ ID, Name string } }
	admin(t, s, 200, &tokens, "GET", "/v1/tokens", nil)
	if a := call(t, s, s.Token, "DELETE", "/v1/tokens/"+tokens.Items[0].ID, nil); a.status != 409 {
		t.Errorf("revoking the last token that can make tokens: got %d, want 409", a.status)
	}
}

func TestAPI_ServesTheContractItself(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	if a := call(t, s, "", "GET", "/openapi.yaml", nil); !bytes.Equal(a.body, api.Contract) {
		t.Error("it is not the contract byte for byte")
	}
}

func TestAPI_DestinationTypesShowTheirSchema(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t)
	var list struct {
		Items []struct {
			Type    string
			Secrets []string
			Schema  struct {
				Properties map[string]map[string]any
				Example    map[string]any
			} `json:"config_schema"`
		}
	}
	a := admin(t, s, 200, &list, "GET", "/v1/destination-types", nil)
	if len(list.Items) == 0 || strings.Contains(string(a.body), "x-go-") {
		t.Fatalf("got %s", a.body)
	}
	for _, item := range list.Items {
		var secrets []string
		for name, p := range item.Schema.Properties {
			if p["writeOnly"] == true {
				secrets = append(secrets, name)
			}
		}
		slices.Sort(secrets)
		if !slices.Equal(secrets, item.Secrets) {
			t.Errorf("%s: the contract's secrets are %v, the code's %v", item.Type, secrets, item.Secrets)
		}
		body := map[string]any{"display_name": item.Type, "severities": []string{}, "config": map[string]any{item.Type: item.Schema.Example}}
		admin(t, s, 201, nil, "POST", "/v1/destinations", body)
	}
}
