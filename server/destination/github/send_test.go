// SPDX-License-Identifier: MPL-2.0

package github_test

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
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/destinationtest"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/github"
	"github.com/alertrouter/terraform-provider-alertrouter/server/destination/shrink"
	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
)

var now = time.Date(2026, time.November, 21, 3, 36, 0, 0, time.UTC)

func TestSend_SaysWhoAsks(t *testing.T) {
	t.Parallel()
	repo := newRepository(t)
	if _, err := repo.send(t, destinationtest.Message()); err != nil {
		t.Fatal(err)
	}
	r := repo.requests()[0]
	if r.Method != http.MethodPost || r.URL.Path != "/api/v3/repos/octo-org/alerts/issues" {
		t.Errorf("got %s %s", r.Method, r.URL.Path)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer github_pat_needle", "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28",
		"Content-Type": "application/json", "User-Agent": "alertrouter",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestSend_UsesTheConfiguredAddress(t *testing.T) {
	t.Parallel()
	repo := newRepository(t)
	for path, want := range map[string]string{"": "/api/v3", "/": "/api/v3", "/api/v3": "/api/v3", "/api/v3/": "/api/v3", "/proxy": "/proxy"} {
		repo.config.APIURL = repo.URL + path
		if _, err := repo.send(t, destinationtest.Message()); err != nil {
			t.Fatal(err)
		}
		requests := repo.requests()
		if got := requests[len(requests)-1].URL.Path; got != want+"/repos/octo-org/alerts/issues" {
			t.Errorf("%q: got %s, want it below %s", path, got, want)
		}
	}
}

// An Enterprise Server has its API below a path of its host, the others have a host for it.
func TestConfig_KnowsWhereTheAPIIs(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"":                                 "https://api.github.com",
		"https://api.github.com/":          "https://api.github.com",
		"https://api.octocorp.ghe.com":     "https://api.octocorp.ghe.com",
		"https://ghe.example.com":          "https://ghe.example.com/api/v3",
		"https://ghe.example.com:8443/":    "https://ghe.example.com:8443/api/v3",
		"https://ghe.example.com/api/v3/":  "https://ghe.example.com/api/v3",
		"https://proxy.example.com/github": "https://proxy.example.com/github",
	} {
		c := config
		c.APIURL = address
		if got := c.Issues(); got != want+"/repos/octo-org/alerts/issues" {
			t.Errorf("%q: got %s, want it below %s", address, got, want)
		}
	}
}

func TestSend_OpensNoSecondIssueWhenTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	repo := newRepository(t)
	for range 120 { // others are opened, and the list has pull requests in it
		repo.open("noise", "noise", now.Add(-2*time.Minute))
	}
	repo.loseAnswers = 1
	m := destinationtest.Message()
	_, err := repo.send(t, m)
	if outcome, _ := destination.OutcomeOf(err); outcome != destination.OutcomeAmbiguous {
		t.Fatalf("the answer is lost: got %s (error %v), want AMBIGUOUS", outcome, err)
	}
	for range 70 {
		repo.open("noise", "noise", now)
	}
	m.Again, m.Attempt = true, 2
	receipt, err := repo.send(t, m)
	if err != nil {
		t.Fatal(err)
	}
	if ours := repo.ours(); len(ours) != 1 || receipt.ExternalID != strconv.Itoa(ours[0].Number) || receipt.ExternalURL != ours[0].HTMLURL {
		t.Errorf("got issues %+v and receipt %+v, want one", ours, receipt)
	}
	if receipt.StatusCode != http.StatusOK || !strings.Contains(receipt.Message, "earlier attempt") {
		t.Errorf("got receipt %+v, want one that says how", receipt)
	}
}

func TestSend_LooksAsGitHubsContractSays(t *testing.T) {
	t.Parallel()
	contract := newContract(t)
	repo := newRepository(t)
	m := destinationtest.Message()
	m.Again = true
	if _, err := repo.send(t, m); err != nil {
		t.Fatal(err)
	}
	asked := repo.requests()[0]
	req, err := http.NewRequest(asked.Method, "https://api.github.com"+strings.TrimPrefix(asked.URL.RequestURI(), "/api/v3"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := contract.validateRequest(t, req); err != nil {
		t.Error(err)
	}
	if got := asked.URL.Query().Get("since"); got != "2026-11-21T03:25:21Z" {
		t.Errorf("got issues since %s, want since ten minutes before the alert", got)
	}
}

func TestSend_OpensTheIssueWhenTheFirstAttemptDidNot(t *testing.T) {
	t.Parallel()
	repo := newRepository(t)
	other := destinationtest.Message()
	other.DeliveryID = "another"
	if _, err := repo.send(t, other); err != nil {
		t.Fatal(err)
	}
	m := destinationtest.Message()
	m.Again = true
	receipt, err := repo.send(t, m)
	if err != nil || receipt.ExternalID != "2" || len(repo.ours()) != 2 {
		t.Errorf("got receipt %+v, error %v and issues %+v, want a second one", receipt, err, repo.ours())
	}
}

func TestSend_LooksOnlyWhenItMayHaveBeenThere(t *testing.T) {
	t.Parallel()
	repo := newRepository(t)
	if _, err := repo.send(t, destinationtest.Message()); err != nil {
		t.Fatal(err)
	}
	if n := len(repo.requests()); n != 1 {
		t.Errorf("got %d requests for a first attempt, want 1", n)
	}
}

func TestSend_LooksNoFurtherThanItMust(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opened time.Time // when the noise was
		n      int
		want   int // requests, the last of which opens the issue
	}{
		"all there is":         {now, 30, 2},
		"a full page":          {now, 50, 3},
		"to before the alert":  {now.Add(-time.Hour), 5000, 2},
		"a thousand at most":   {now, 5000, 21},
		"an empty repository":  {now, 0, 2},
		"just before leeway":   {now.Add(-10 * time.Minute), 120, 4},
		"long before the page": {now.Add(-24 * time.Hour), 49, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := newRepository(t)
			for range c.n {
				repo.open("noise", "<!-- alertrouter:delivery=00000000000000000000000000000000 -->", c.opened)
			}
			m := destinationtest.Message()
			m.Again = true
			if _, err := repo.send(t, m); err != nil {
				t.Fatal(err)
			}
			if requests := repo.requests(); len(requests) != c.want || requests[len(requests)-1].Method != http.MethodPost {
				t.Errorf("got %d requests, want %d and the last to open the issue", len(requests), c.want)
			}
		})
	}
}

func TestSend_FindsAnIssueThatWasClosedAndEdited(t *testing.T) {
	t.Parallel()
	repo := newRepository(t)
	m := destinationtest.Message()
	if _, err := repo.send(t, m); err != nil {
		t.Fatal(err)
	}
	repo.edit(func(i *stored) { i.State, i.Body = "closed", strings.ReplaceAll(i.Body, "\n", "\r\n")+"\r\n\r\nDone." })
	m.Again = true
	receipt, err := repo.send(t, m)
	if err != nil || receipt.ExternalID != "1" || len(repo.ours()) != 1 {
		t.Errorf("got receipt %+v, error %v", receipt, err)
	}
}

func TestSend_TakesNoQuotedMarkAndNoPullRequestForTheIssue(t *testing.T) {
	t.Parallel()
	repo := newRepository(t)
	m := destinationtest.Message()
	body := decode(t, renderAll(t, config, m)).Body
	mark := body[strings.LastIndex(body, "<!--"):]
	repo.open("quoted", "see `"+mark+"` there", now)
	repo.open("pull request", body, now)
	repo.edit(func(i *stored) {
		if i.Title == "pull request" {
			i.PullRequest = &struct{}{}
		}
	})
	m.Again = true
	receipt, err := repo.send(t, m)
	if err != nil || receipt.ExternalID != "3" {
		t.Errorf("got receipt %+v, error %v, want the third issue", receipt, err)
	}
}

func TestSend_OpensNothingUnlessItKnows(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]destination.Outcome{
		"200 <html>Log in</html>": destination.OutcomeRetry,
		"200 {}":                  destination.OutcomeRetry,
		"200 null":                destination.OutcomeRetry,
		"200 [{\"number\":":       destination.OutcomeRetry,
		"500 oops":                destination.OutcomeRetry,
		"lost":                    destination.OutcomeRetry,
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			status, body, _ := strings.Cut(answer, " ")
			repo := newRepository(t)
			repo.answer = func(w http.ResponseWriter, _ *http.Request) bool {
				if status == "lost" {
					panic(http.ErrAbortHandler) // which closes the connection
				}
				code, _ := strconv.Atoi(status)
				w.WriteHeader(code)
				_, _ = io.WriteString(w, body)
				return true
			}
			m := destinationtest.Message()
			m.Again = true
			_, err := repo.send(t, m)
			if outcome, _ := destination.OutcomeOf(err); outcome != want || len(repo.requests()) != 1 {
				t.Errorf("got %s (error %v) after %d requests, want %s after one", outcome, err, len(repo.requests()), want)
			}
		})
	}
}

// An alert is rather brought twice than lost, so a look that is refused for good does not keep it.
func TestSend_OpensWhereItMayNotLook(t *testing.T) {
	t.Parallel()
	for _, status := range []int{401, 403, 404, 422} {
		repo := newRepository(t)
		repo.answer = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet {
				w.WriteHeader(status)
			}
			return r.Method == http.MethodGet
		}
		m := destinationtest.Message()
		m.Again = true
		receipt, err := repo.send(t, m)
		if err != nil || receipt.ExternalID == "" || len(repo.requests()) != 2 {
			t.Errorf("%d: got %+v (error %v) after %d requests, want an issue after two", status, receipt, err, len(repo.requests()))
		}
	}
}

func TestSend_ReadsLongAnswers(t *testing.T) {
	t.Parallel()
	repo := newRepository(t)
	for range 60 {
		repo.open("long", strings.Repeat("😀", 65_536), now)
	}
	m := destinationtest.Overlong(strings.Repeat("long ", 20_000))
	first, err := repo.send(t, m)
	if err != nil || first.ExternalID != "61" || !first.Truncated {
		t.Fatalf("got receipt %+v, error %v", first, err)
	}
	for range 60 {
		repo.open("long", strings.Repeat("😀", 65_536), now)
	}
	m.Again = true
	again, err := repo.send(t, m)
	if err != nil || again.ExternalID != "61" || !again.Truncated {
		t.Errorf("got receipt %+v, error %v, want issue 61 found", again, err)
	}
}

func TestSend_SaysWhatGitHubLeftOut(t *testing.T) {
	t.Parallel()
	repo := newRepository(t)
	repo.readOnly = true
	receipt, err := repo.send(t, destinationtest.Message())
	if err != nil {
		t.Fatal(err)
	}
	want := "GitHub left out the label alert, the label severity: high, the assignee octocat, the milestone, the type Bug: has the token's owner write access to the repository?\n"
	if !strings.HasPrefix(receipt.Message, want) || receipt.ExternalID != "1" {
		t.Errorf("got receipt %+v, want %q first", receipt, want)
	}
	repo.readOnly = false
	if receipt, err = repo.send(t, destinationtest.Message()); err != nil || strings.Contains(receipt.Message, "left out") {
		t.Errorf("got receipt %+v, error %v, want nothing left out", receipt, err)
	}
}

func TestSend_UnderstandsGitHubsAnswers(t *testing.T) {
	t.Parallel()
	reset := strconv.FormatInt(now.Add(17*time.Minute).Unix(), 10)
	past := strconv.FormatInt(now.Add(-time.Minute).Unix(), 10)
	const secondary = `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/free-pro-team@latest/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`
	for name, c := range map[string]struct {
		status int
		header map[string]string
		body   string
		want   destination.Outcome
		wait   time.Duration
		says   string
	}{
		"primary limit":             {403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}, `{"message":"API rate limit exceeded for user ID 1."}`, destination.OutcomeWait, 17 * time.Minute, "an hour"},
		"primary limit as 429":      {429, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}, `{}`, destination.OutcomeWait, 17 * time.Minute, "an hour"},
		"a reset that is over":      {403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": past}, `{}`, destination.OutcomeWait, time.Second, ""},
		"secondary limit":           {403, map[string]string{"X-RateLimit-Remaining": "4999"}, secondary, destination.OutcomeWait, time.Minute, "secondary"},
		"secondary limit as 429":    {429, nil, secondary, destination.OutcomeWait, time.Minute, "secondary"},
		"secondary limit with wait": {403, map[string]string{"Retry-After": "150"}, secondary, destination.OutcomeWait, 150 * time.Second, "limit"},
		"older secondary limit":     {403, nil, `{"message":"You have triggered an abuse detection mechanism."}`, destination.OutcomeWait, time.Minute, ""},
		"429 alone":                 {429, nil, `{}`, destination.OutcomeRetry, 0, ""},
		"429 at the edge":           {429, nil, `<html><title>Too many requests</title></html>`, destination.OutcomeWait, time.Minute, ""},
		"a reset that is missing":   {403, map[string]string{"X-RateLimit-Remaining": "0"}, `{"message":"API rate limit exceeded for user ID 1."}`, destination.OutcomeWait, time.Minute, ""},
		"a limit by its page alone": {403, nil, `{"message":"Forbidden","documentation_url":"https://docs.github.com/rest/overview/resources-in-the-rest-api#secondary-rate-limits"}`, destination.OutcomeWait, time.Minute, ""},
		"blocked from creating":     {403, nil, `{"message":"You have exceeded a secondary rate limit and have been temporarily blocked from content creation. Please retry your request again later."}`, destination.OutcomeWait, time.Minute, "content creation"},
		"too quick": {
			422, nil, `{"message":"Validation Failed","errors":[{"resource":"Issue","code":"custom","field":"base","message":"was submitted too quickly"}]}`,
			destination.OutcomeWait, time.Minute, "was submitted too quickly",
		},
		"forbidden":      {403, map[string]string{"X-RateLimit-Remaining": "4999", "X-RateLimit-Reset": reset}, `{"message":"Resource not accessible by personal access token"}`, destination.OutcomePermanent, 0, "Resource not accessible by personal access token"},
		"single sign-on": {403, nil, `{"message":"Resource protected by organization SAML enforcement."}`, destination.OutcomePermanent, 0, "SAML"},
		"bad token":      {401, nil, `{"message":"Bad credentials"}`, destination.OutcomePermanent, 0, "token is wrong"},
		"not found":      {404, nil, `{"message":"Not Found"}`, destination.OutcomePermanent, 0, "no access to it; or api_url is not the address of the API"},
		"issues off":     {410, nil, `{"message":"Issues has been disabled in this repository."}`, destination.OutcomePermanent, 0, "switched off"},
		"renamed":        {301, map[string]string{"Location": "/repositories/1/issues"}, `{"message":"Moved Permanently"}`, destination.OutcomePermanent, 0, "another name or owner now; or api_url is"},
		"invalid": {
			422, nil, `{"message":"Validation Failed","errors":[{"resource":"Issue","code":"custom","field":"title","message":"title is too long (maximum is 256 characters)"},{"resource":"Issue","field":"assignees","code":"invalid","value":"octocat"},"a text"]}`,
			destination.OutcomePermanent, 0, "Validation Failed: title is too long (maximum is 256 characters): assignees invalid: a text",
		},
		"invalid and odd": {422, nil, `oops github_pat_needle`, destination.OutcomePermanent, 0, "422"},
		"unavailable":     {503, nil, `{}`, destination.OutcomeRetry, 0, "503"},
		"bad gateway":     {502, nil, `<html>Unicorn!</html>`, destination.OutcomeRetry, 0, "502"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := newRepository(t)
			repo.answer = func(w http.ResponseWriter, _ *http.Request) bool {
				for key, value := range c.header {
					w.Header().Set(key, value)
				}
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.body)
				return true
			}
			for _, again := range []bool{false, true} { // opening and looking are told the same
				m := destinationtest.Message()
				m.Again = again
				receipt, err := repo.send(t, m)
				outcome, wait := destination.OutcomeOf(err)
				if outcome != c.want || wait != c.wait || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %s after %s (error %v), want %s after %s saying %q", outcome, wait, err, c.want, c.wait, c.says)
				}
				if receipt.StatusCode != c.status || strings.Contains(fmt.Sprint(err, receipt), "needle") {
					t.Errorf("got receipt %+v, error %v, want status %d and no token", receipt, err, c.status)
				}
			}
			want := 2
			if c.want == destination.OutcomePermanent { // where it may not look it opens all the same
				want = 3
			}
			if n := len(repo.requests()); n != want {
				t.Errorf("got %d requests for two attempts, want %d", n, want)
			}
		})
	}
}

// TestSend_ShortensABodyThatIsTooLong has a server whose limit is another than the one that is known.
func TestSend_ShortensABodyThatIsTooLong(t *testing.T) {
	t.Parallel()
	repo := newRepository(t)
	refused := false
	repo.answer = func(w http.ResponseWriter, r *http.Request) bool {
		if refused || r.Method == http.MethodGet {
			return false
		}
		refused = true
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"message":"Validation Failed","errors":[{"resource":"Issue","code":"custom","field":"body","message":"body is too long (maximum is 20000 characters)"}]}`)
		return true
	}
	m := destinationtest.Large(100_000)
	m.Again = true
	receipt, err := repo.send(t, m)
	if err != nil || !receipt.Truncated || receipt.ExternalID != "1" || len(repo.requests()) != 3 {
		t.Fatalf("got %+v (error %v) after %d requests, want one look, one refusal and a third to open the issue", receipt, err, len(repo.requests()))
	}
	if body := repo.issues[0].Body; len(body) > 40_000 || !strings.Contains(body, "refused more as too large") {
		t.Errorf("got a body of %d bytes: %.200s, want half of it, that says so", len(body), body)
	}
}

// TestSend_WaitsLongerAtEachLimitInARow has a delivery that was tried often, which says nothing of GitHub's limits.
func TestSend_WaitsLongerAtEachLimitInARow(t *testing.T) {
	t.Parallel()
	for status, body := range map[int]string{
		403: `{"message":"You have exceeded a secondary rate limit."}`, 429: `{"message":"You have triggered an abuse detection mechanism."}`, 422: `{"message":"was submitted too quickly"}`,
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			repo, clock := newRepository(t), now
			limit := func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodGet { // GitHub limits who makes much, and lets read
					return false
				}
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
				return true
			}
			sender := repo.sender(t, func() time.Time { return clock })
			m := destinationtest.Message()
			m.Attempt, m.Again = 20, true
			limited := func(want time.Duration) {
				t.Helper()
				repo.answer = limit
				_, err := sender.Send(t.Context(), m)
				if outcome, wait := destination.OutcomeOf(err); outcome != destination.OutcomeWait || wait != want {
					t.Errorf("got %s after %s (error %v), want WAIT after %s", outcome, wait, err, want)
				}
			}
			for _, minutes := range []time.Duration{1, 2, 4, 8, 16, 16} {
				limited(minutes * time.Minute)
				clock = clock.Add(minutes*time.Minute - 1)
				limited(minutes * time.Minute) // the answer to a request that was under way
				clock = clock.Add(1)
			}
			repo.answer = nil
			if _, err := sender.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			m.DeliveryID = "another"
			limited(time.Minute)
			clock = clock.Add(time.Minute)
			limited(2 * time.Minute)
			repo.answer = func(w http.ResponseWriter, r *http.Request) bool {
				w.WriteHeader(http.StatusBadGateway)
				return true
			}
			m.Again = false
			if _, err := sender.Send(t.Context(), m); err == nil {
				t.Error("got no error, want that of the gateway")
			}
			limited(time.Minute)
		})
	}
}

func TestSend_ShowsNoTokenThatIsEchoed(t *testing.T) {
	t.Parallel()
	repo := newRepository(t)
	repo.answer = func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"number":1,"html_url":"https://github.com/github_pat_needle"}`)
		return true
	}
	receipt, err := repo.send(t, destinationtest.Message())
	if err != nil || strings.Contains(fmt.Sprint(receipt), "needle") || receipt.ExternalID != "1" {
		t.Errorf("got receipt %+v, error %v", receipt, err)
	}
}

// repository answers as GitHub does and keeps the issues.
type repository struct {
	*httptest.Server
	config github.Config

	mu          sync.Mutex
	seen        []*http.Request
	issues      []stored
	loseAnswers int
	readOnly    bool // the token may open issues, and nothing else
	answer      func(http.ResponseWriter, *http.Request) bool
}

type stored struct {
	Number      int              `json:"number"`
	HTMLURL     string           `json:"html_url"`
	State       string           `json:"state"`
	Title       string           `json:"title"`
	Body        string           `json:"body"`
	CreatedAt   time.Time        `json:"created_at"`
	Labels      []map[string]any `json:"labels"`
	Assignees   []map[string]any `json:"assignees"`
	Milestone   any              `json:"milestone"`
	Type        any              `json:"type"`
	PullRequest *struct{}        `json:"pull_request,omitempty"`
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	r := &repository{config: config}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	r.config.APIURL = r.URL
	return r
}

func (r *repository) send(t *testing.T, m *destination.Message) (destination.Receipt, error) {
	t.Helper()
	return shrink.Send(t.Context(), r.sender(t, func() time.Time { return now }), m)
}

func (r *repository) sender(t *testing.T, clock func() time.Time) destination.Sender {
	t.Helper()
	client := outbound.New(outbound.Options{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	t.Cleanup(client.Close)
	sender, err := github.New(r.config, destination.Env{HTTP: client, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

func (r *repository) serve(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, req)
	if r.answer != nil && r.answer(w, req) {
		return
	}
	if req.Method == http.MethodGet {
		_ = json.NewEncoder(w).Encode(r.list(req))
		return
	}
	i := r.add(body)
	if r.loseAnswers > 0 {
		r.loseAnswers--
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
		return
	}
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(i)
}

// list is https://docs.github.com/en/rest/issues/issues#list-repository-issues
func (r *repository) list(req *http.Request) []stored {
	query := req.URL.Query()
	since, _ := time.Parse(time.RFC3339, query.Get("since"))
	size, _ := strconv.Atoi(query.Get("per_page"))
	page, _ := strconv.Atoi(query.Get("page"))
	all := []stored{}
	for _, i := range slices.Backward(r.issues) {
		if query.Get("state") == "all" || i.State == "open" {
			all = append(all, i)
		}
	}
	if since.IsZero() || query.Get("sort") != "created" || query.Get("direction") != "desc" {
		return nil
	}
	from := min((page-1)*size, len(all))
	return all[from:min(from+size, len(all))]
}

func (r *repository) add(body []byte) stored {
	var asked struct {
		Title, Body, Type string
		Labels, Assignees []string
		Milestone         int
	}
	_ = json.Unmarshal(body, &asked)
	i := r.new(asked.Title, asked.Body, now)
	if !r.readOnly {
		for _, name := range asked.Labels {
			i.Labels = append(i.Labels, map[string]any{"name": name})
		}
		for _, login := range asked.Assignees {
			i.Assignees = append(i.Assignees, map[string]any{"login": login})
		}
		i.Milestone, i.Type = map[string]any{"number": asked.Milestone}, map[string]any{"name": asked.Type}
	}
	r.issues = append(r.issues, i)
	return i
}

func (r *repository) new(title, body string, at time.Time) stored {
	n := len(r.issues) + 1
	return stored{
		Number: n, HTMLURL: "https://github.com/octo-org/alerts/issues/" + strconv.Itoa(n), State: "open",
		Title: title, Body: body, CreatedAt: at, Labels: []map[string]any{}, Assignees: []map[string]any{},
	}
}

// open has somebody else open an issue.
func (r *repository) open(title, body string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.issues = append(r.issues, r.new(title, body, at))
}

func (r *repository) edit(change func(*stored)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := range r.issues {
		change(&r.issues[n])
	}
}

func (r *repository) requests() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

// ours are the issues that are not noise.
func (r *repository) ours() []stored {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.issues), func(i stored) bool { return i.Title == "noise" })
}
