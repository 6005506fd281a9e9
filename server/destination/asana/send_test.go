// SPDX-License-Identifier: MPL-2.0

package asana_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/asana"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/shrink"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

var now = time.Date(2026, time.November, 21, 3, 36, 0, 0, time.UTC)

func TestSend_SaysWhoAsks(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	receipt, err := p.send(t, destinationtest.Message())
	if err != nil {
		t.Fatal(err)
	}
	if receipt.ExternalID != "1001" || receipt.ExternalURL != "https://app.asana.com/0/10/1001" || receipt.StatusCode != http.StatusCreated {
		t.Errorf("got receipt %+v", receipt)
	}
	r := p.requests()[0]
	if r.Method != http.MethodPost || r.URL.RequestURI() != "/api/1.0/tasks?opt_fields=permalink_url" {
		t.Errorf("got %s %s", r.Method, r.URL.RequestURI())
	}
	for name, want := range map[string]string{"Authorization": "Bearer 2/12/34:needle", "Accept": "application/json", "Content-Type": "application/json"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestSend_UsesTheConfiguredAddress(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	for path, want := range map[string]string{
		"": "/api/1.0/tasks", "/": "/api/1.0/tasks", "/api/1.0": "/api/1.0/tasks", "/api/1.0/tasks": "/api/1.0/tasks", "/proxy": "/proxy/api/1.0/tasks",
	} {
		p.config.APIURL = p.URL + path
		if _, err := p.send(t, destinationtest.Message()); err != nil {
			t.Fatal(err)
		}
		requests := p.requests()
		if got := requests[len(requests)-1].URL.Path; got != want {
			t.Errorf("%q: got %s, want %s", path, got, want)
		}
	}
}

func TestSend_MakesNoSecondTaskWhenTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	for range 150 {
		p.make("noise", "noise", now)
	}
	p.loseAnswers = 1
	m := destinationtest.Message()
	_, err := p.send(t, m)
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomeAmbiguous {
		t.Fatalf("the answer is lost: got %s (error %v), want AMBIGUOUS", outcome, err)
	}
	for range 250 {
		p.make("noise", "noise", now)
	}
	m.Again, m.Attempt = true, 2
	receipt, err := p.send(t, m)
	if err != nil {
		t.Fatal(err)
	}
	if ours := p.ours(); len(ours) != 1 || receipt.ExternalID != ours[0].GID || receipt.ExternalURL != ours[0].PermalinkURL {
		t.Errorf("got tasks %+v and receipt %+v, want one", ours, receipt)
	}
	if receipt.StatusCode != http.StatusOK || !strings.Contains(receipt.Message, "earlier attempt") {
		t.Errorf("got receipt %+v, want one that says how", receipt)
	}
}

func TestSend_MakesTheTaskWhenTheFirstAttemptDidNot(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	other := destinationtest.Message()
	other.DeliveryID = "another"
	if _, err := p.send(t, other); err != nil {
		t.Fatal(err)
	}
	m := destinationtest.Message()
	m.Again = true
	receipt, err := p.send(t, m)
	if err != nil || receipt.ExternalID != "1002" || len(p.ours()) != 2 {
		t.Errorf("got receipt %+v, error %v and tasks %+v, want a second one", receipt, err, p.ours())
	}
}

func TestSend_LooksNoFurtherThanItMust(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		again bool
		made  time.Time // when the noise was
		n     int
		want  int // requests, the last of which makes the task
	}{
		"a first attempt":     {false, now, 10, 1},
		"an empty project":    {true, now, 0, 2},
		"a page":              {true, now, 100, 2},
		"more than a page":    {true, now, 101, 3},
		"older ones":          {true, now.Add(-time.Hour), 5000, 2},
		"a thousand at most":  {true, now, 5000, 11},
		"just within leeway":  {true, now.Add(-10 * time.Minute), 150, 3},
		"just out of leeway":  {true, now.Add(-11 * time.Minute), 150, 2},
		"exactly two of them": {true, now, 200, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			for range c.n {
				p.make("noise", "alertrouter delivery 00000000000000000000000000000000", c.made)
			}
			m := destinationtest.Message()
			m.Again = c.again
			if _, err := p.send(t, m); err != nil {
				t.Fatal(err)
			}
			requests := p.requests()
			if len(requests) != c.want || requests[len(requests)-1].Method != http.MethodPost {
				t.Errorf("got %d requests, want %d and the last to make the task", len(requests), c.want)
			}
			if c.again {
				query := requests[0].URL.Query()
				if query.Get("modified_since") != "2026-11-21T03:25:21Z" || query.Get("project") != "10" || query.Get("opt_fields") != "html_notes,permalink_url" {
					t.Errorf("got query %v", query)
				}
			}
		})
	}
}

// TestSend_LooksOnceWhereThePartIsSent has a server in front of Asana that takes no large request.
func TestSend_LooksOnceWhereThePartIsSent(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	p.answer = func(w http.ResponseWriter) {
		if len(p.seen) == 1 {
			_ = json.NewEncoder(w).Encode(p.list(p.seen[0]))
			return
		}
		p.answer = nil
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}
	m := destinationtest.Large(100_000)
	m.Again = true
	receipt, err := p.send(t, m)
	if err != nil || !receipt.Truncated || len(p.ours()) != 1 || len(p.seen) != 3 {
		t.Errorf("got receipt %+v, error %v and %d requests, want one look, one refusal and a third to make the task", receipt, err, len(p.seen))
	}
}

func TestSend_FindsATaskThatWasEdited(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	m := destinationtest.Message()
	if _, err := p.send(t, m); err != nil {
		t.Fatal(err)
	}
	p.tasks[0].HTMLNotes = strings.NewReplacer("<em>", "<strong>Looked at it.</strong> ", "</em>", "").Replace(p.tasks[0].HTMLNotes)
	m.Again = true
	receipt, err := p.send(t, m)
	if err != nil || receipt.ExternalID != "1001" || len(p.ours()) != 1 {
		t.Errorf("got receipt %+v, error %v", receipt, err)
	}
}

func TestSend_ReadsLongAnswers(t *testing.T) {
	t.Parallel()
	p := newProject(t)
	for range 99 {
		p.make("noise", strings.Repeat("é", 30_000), now)
	}
	m := destinationtest.Overlong(strings.Repeat("long ", 20_000))
	if _, err := p.send(t, m); err != nil {
		t.Fatal(err)
	}
	m.Again = true
	receipt, err := p.send(t, m)
	if err != nil || len(p.ours()) != 1 || !receipt.Truncated {
		t.Errorf("got receipt %+v, error %v and %d tasks, want the task found", receipt, err, len(p.ours()))
	}
}

func TestSend_MakesNothingUnlessItKnows(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]destination.Outcome{
		"200 <html>Log in</html>": destination.OutcomeRetry,
		"200 {}":                  destination.OutcomeRetry,
		"200 []":                  destination.OutcomeRetry,
		"200 {\"data\":[{":        destination.OutcomeRetry,
		"500 oops":                destination.OutcomeRetry,
		"lost":                    destination.OutcomeRetry,
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			status, body, _ := strings.Cut(answer, " ")
			p := newProject(t)
			p.answer = func(w http.ResponseWriter) {
				if status == "lost" {
					panic(http.ErrAbortHandler) // which closes the connection
				}
				code, _ := strconv.Atoi(status)
				w.WriteHeader(code)
				_, _ = io.WriteString(w, body)
			}
			m := destinationtest.Message()
			m.Again = true
			_, err := p.send(t, m)
			if outcome, _ := destination.OutcomeOf(err); outcome != want || len(p.requests()) != 1 {
				t.Errorf("got %s (error %v) after %d requests, want %s after one", outcome, err, len(p.requests()), want)
			}
		})
	}
}

// An alert is rather brought twice than lost, so a look that is refused for good does not keep it.
func TestSend_MakesTheTaskWhereItMayNotLook(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	p := newProject(t)
	p.answer = func(w http.ResponseWriter) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"data":{"gid":"77"}}`)
	}
	m := destinationtest.Message()
	m.Again = true
	receipt, err := p.send(t, m)
	if err != nil || receipt.ExternalID != "77" || len(p.requests()) != 2 {
		t.Errorf("got %+v (error %v) after %d requests, want a task after two", receipt, err, len(p.requests()))
	}
}

func TestSend_UnderstandsAsanasAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		header map[string]string
		body   string
		want   destination.Outcome
		wait   time.Duration
		says   string
	}{
		"bad request":     {400, nil, `{"errors":[{"message":"project: Not a recognized ID: x","help":"For more information..."},{"message":"xml is invalid"}]}`, destination.OutcomePermanent, 0, "project: Not a recognized ID: x; xml is invalid"},
		"unauthorized":    {401, nil, `{"errors":[{"message":"Not Authorized"}]}`, destination.OutcomePermanent, 0, "token is wrong or was revoked: Not Authorized"},
		"paid":            {402, nil, `{"errors":[{"message":"Payment Required"}]}`, destination.OutcomePermanent, 0, "plan"},
		"forbidden":       {403, nil, `{"errors":[{"message":"Forbidden"}]}`, destination.OutcomePermanent, 0, "may not add tasks"},
		"not found":       {404, nil, `{"errors":[{"message":"project: Unknown object: 10"}]}`, destination.OutcomePermanent, 0, "Unknown object: 10"},
		"legal":           {451, nil, `{}`, destination.OutcomePermanent, 0, "does not serve"},
		"throttled":       {429, map[string]string{"Retry-After": "30"}, `{"errors":[{"message":"You have made too many requests recently."}]}`, destination.OutcomeWait, 30 * time.Second, "too many requests"},
		"throttled alone": {429, nil, `{}`, destination.OutcomeRetry, 0, "429"},
		"server error":    {500, nil, `{"errors":[{"message":"Server Error","phrase":"6 sad squid snuggle softly"}]}`, destination.OutcomeRetry, 0, "Server Error (6 sad squid snuggle softly)"},
		"unavailable":     {503, nil, `<html>upgrading 2/12/34:needle</html>`, destination.OutcomeRetry, 0, "503"},
		"a token echoed":  {400, nil, `{"errors":[{"message":"no 2/12/34:needle"}]}`, destination.OutcomePermanent, 0, "no [secret]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProject(t)
			p.answer = func(w http.ResponseWriter) {
				for key, value := range c.header {
					w.Header().Set(key, value)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
			}
			for _, again := range []bool{false, true} { // making and looking are told the same
				m := destinationtest.Message()
				m.Again = again
				receipt, err := p.send(t, m)
				outcome, wait := destination.OutcomeOf(err)
				if outcome != c.want || wait != c.wait || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %s after %s (error %v), want %s after %s saying %q", outcome, wait, err, c.want, c.wait, c.says)
				}
				if receipt.StatusCode != c.status || strings.Contains(fmt.Sprint(err, receipt), "needle") {
					t.Errorf("got receipt %+v, error %v, want status %d and no token", receipt, err, c.status)
				}
			}
		})
	}
}

// project answers as Asana does and keeps the tasks.
type project struct {
	*httptest.Server
	config asana.Config

	mu          sync.Mutex
	seen        []*http.Request
	tasks       []stored
	loseAnswers int
	answer      func(http.ResponseWriter)
}

type stored struct {
	GID          string    `json:"gid"`
	PermalinkURL string    `json:"permalink_url"`
	HTMLNotes    string    `json:"html_notes"`
	name         string    // not asked for
	modified     time.Time // likewise
}

func newProject(t *testing.T) *project {
	t.Helper()
	p := &project{config: config}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	p.config.APIURL = p.URL + "/api/1.0/"
	return p
}

func (p *project) send(t *testing.T, m *destination.Message) (destination.Receipt, error) {
	t.Helper()
	client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	t.Cleanup(client.Close)
	sender, err := asana.New(p.config, destination.Env{HTTP: client, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	return shrink.Send(t.Context(), sender, m)
}

func (p *project) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, r)
	if p.answer != nil {
		p.answer(w)
		return
	}
	if r.Method == http.MethodGet {
		_ = json.NewEncoder(w).Encode(p.list(r))
		return
	}
	var asked struct {
		Data task `json:"data"`
	}
	_ = json.Unmarshal(body, &asked)
	made := p.add(asked.Data.Name, asked.Data.HTMLNotes, now)
	if p.loseAnswers > 0 {
		p.loseAnswers--
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
		return
	}
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"data": made})
}

// list is https://developers.asana.com/reference/gettasks, in an order that means nothing.
func (p *project) list(r *http.Request) any {
	query := r.URL.Query()
	since, _ := time.Parse(time.RFC3339, query.Get("modified_since"))
	size, _ := strconv.Atoi(query.Get("limit"))
	from, _ := strconv.Atoi(strings.TrimPrefix(query.Get("offset"), "after/"))
	all := []stored{}
	for _, t := range p.tasks {
		if !t.modified.Before(since) {
			all = append(all, t)
		}
	}
	to := min(from+size, len(all))
	answer := map[string]any{"data": all[min(from, len(all)):to], "next_page": nil}
	if to < len(all) {
		answer["next_page"] = map[string]any{"offset": "after/" + strconv.Itoa(to), "path": "/tasks", "uri": "https://evil.example/"}
	}
	return answer
}

func (p *project) add(name, notes string, at time.Time) stored {
	gid := strconv.Itoa(1001 + len(p.tasks))
	made := stored{GID: gid, PermalinkURL: "https://app.asana.com/0/10/" + gid, HTMLNotes: notes, name: name, modified: at}
	p.tasks = append(p.tasks, made)
	return made
}

// make has somebody else make a task.
func (p *project) make(name, notes string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(name, notes, at)
}

func (p *project) requests() []*http.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

// ours are the tasks that are not noise.
func (p *project) ours() []stored {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.tasks), func(t stored) bool { return t.name == "noise" })
}
