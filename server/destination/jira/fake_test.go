// SPDX-License-Identifier: MPL-2.0

package jira_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	jiracloud "github.com/alertrouter/terraform-provider-alertrouter/server/destination/jira_cloud"
	jiradatacenter "github.com/alertrouter/terraform-provider-alertrouter/server/destination/jira_data_center"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

var now = time.Date(2026, time.November, 21, 3, 35, 24, 0, time.UTC)

// fake is a Jira, Cloud and Data Center at once, that keeps the issues it is asked to make.
type fake struct {
	*httptest.Server
	mu       sync.Mutex
	issues   []issue
	searches int
	reads    int                         // of issues by their keys
	lag      int                         // how many searches do not yet see what was made
	lose     bool                        // the answer to the next creation does not arrive
	search   func(w http.ResponseWriter) // answers searches in Jira's place
	create   func(w http.ResponseWriter) // answers creations in Jira's place
	read     func(w http.ResponseWriter) // answers reads of issues in Jira's place
	seen     []*http.Request
	clock    time.Time
	pace     time.Duration // how long a read takes by the clock
}

type issue struct {
	Key     string
	Project string
	Labels  []string
	indexed bool   // searches see it however far they are behind
	was     string // its key before it was moved
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{clock: now}
	mux := http.NewServeMux()
	for _, api := range []string{"/rest/api/3", "/jira/rest/api/2"} {
		mux.HandleFunc("POST "+api+"/issue", f.makeIssue)
		mux.HandleFunc("GET "+api+"/issue/{key}", f.readIssue)
	}
	mux.HandleFunc("POST /rest/api/3/search/jql", func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			JQL        string
			Fields     []string
			MaxResults int
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || len(asked.Fields) == 0 {
			t.Errorf("got the search %+v (error %v), want issues with their keys", asked, err)
		}
		f.find(t, w, r, asked.JQL, asked.MaxResults)
	})
	mux.HandleFunc("GET /jira/rest/api/2/search", func(w http.ResponseWriter, r *http.Request) {
		most, _ := strconv.Atoi(r.URL.Query().Get("maxResults"))
		f.find(t, w, r, r.URL.Query().Get("jql"), most)
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) makeIssue(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r)
	if f.create != nil {
		f.create(w)
		return
	}
	var asked struct {
		Fields struct {
			Project struct{ Key string }
			Labels  []string
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	made := issue{Key: fmt.Sprintf("%s-%d", asked.Fields.Project.Key, len(f.issues)+1), Project: asked.Fields.Project.Key, Labels: asked.Fields.Labels}
	f.issues = append(f.issues, made)
	if f.lose {
		f.lose = false
		hangUp(w)
		return
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = fmt.Fprintf(w, `{"id":"10000","key":%q,"self":"https://example.com/10000"}`, made.Key)
}

// readIssue answers for an issue whether or not searches see it, and under the key that it had before it was moved.
func (f *fake) readIssue(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r)
	f.reads++
	f.clock = f.clock.Add(f.pace)
	if f.read != nil {
		f.read(w)
		return
	}
	for _, i := range f.issues {
		if key := r.PathValue("key"); key == i.Key || key == i.was {
			_ = json.NewEncoder(w).Encode(i.json())
			return
		}
	}
	answer(404, nil, `{"errorMessages":["Issue does not exist or you do not have permission to see it."],"errors":{}}`)(w)
}

func (i issue) json() map[string]any {
	return map[string]any{"id": "10000", "key": i.Key, "fields": map[string]any{"labels": i.Labels}}
}

var query = regexp.MustCompile(`^(?:project = "([A-Z]+)" ORDER BY created DESC|labels = "([a-z0-9-]+)" ORDER BY created ASC)$`)

func (f *fake) find(t *testing.T, w http.ResponseWriter, r *http.Request, jql string, most int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, r)
	f.searches++
	if f.search != nil {
		f.search(w)
		return
	}
	terms := query.FindStringSubmatch(jql)
	if terms == nil {
		t.Errorf("got the query %q, want a project or a label", jql)
		http.Error(w, "bad query", http.StatusBadRequest)
		return
	}
	found := []map[string]any{}
	for _, i := range f.issues {
		if (f.searches > f.lag || i.indexed) && (i.Project == terms[1] || slices.Contains(i.Labels, terms[2])) {
			found = append(found, i.json())
		}
	}
	if terms[1] != "" {
		slices.Reverse(found)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"issues": found[:min(most, len(found))], "isLast": true})
}

func (f *fake) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clock
}

func hangUp(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.Close()
}

func answer(status int, header http.Header, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// kinds are both types, with a config for a server at address.
var kinds = map[string]struct {
	typ    destination.Type
	path   string // of Jira on the server
	config string // with %s for the address
}{
	"cloud": {
		jiracloud.Type, "",
		`{"site_url":"%s","email":"a@example.com","api_token":"ATATT3xFfGF0secret","project_key":"SEC"}`,
	},
	"data center": {
		jiradatacenter.Type, "/jira",
		`{"base_url":"%s/jira/","username":"robot","password":"correct horse","project_key":"SEC"}`,
	},
}

// each runs a test for both types against a Jira of its own.
func each(t *testing.T, test func(t *testing.T, f *fake, sender destination.Sender)) {
	t.Helper()
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			test(t, f, open(t, kind.typ, strings.ReplaceAll(kind.config, "%s", f.URL), f.now))
		})
	}
}

func open(t *testing.T, typ destination.Type, config string, clock func() time.Time) destination.Sender {
	t.Helper()
	public, secrets, err := typ.Split(json.RawMessage(config), nil)
	if err != nil {
		t.Fatalf("%s: %v", config, err)
	}
	client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	t.Cleanup(client.Close)
	sender, err := typ.Open(public, secrets, destination.Env{HTTP: client, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}
