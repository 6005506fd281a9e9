// SPDX-License-Identifier: MPL-2.0

package client_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// A transport answers the nth try, counted from 0.
type transport func(n int, req *http.Request) (*http.Response, error)

// newClient returns a client whose tries go to answer, and the count of tries.
func newClient(t *testing.T, answer transport, options ...client.Option) (*client.ClientWithResponses, *int) {
	t.Helper()
	tries := 0
	base := roundTripper(func(req *http.Request) (*http.Response, error) {
		n := tries
		tries++
		return answer(n, req)
	})
	c, err := client.New("http://control-plane.test", "secret-token", append(options, through(base))...)
	if err != nil {
		t.Fatal(err)
	}
	return c, &tries
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// through makes base send each try.
func through(base http.RoundTripper) client.Option {
	return client.WithTransport(func(http.RoundTripper) http.RoundTripper { return base })
}

func response(status int, contentType, body string, header ...string) *http.Response {
	resp := &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {contentType}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
	for i := 0; i+1 < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

func healthy() *http.Response { return response(200, "application/json", `{"status":"ok"}`) }

func TestNew_RefusesWhatIsNoEndpoint(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{"", "control-plane", "ftp://x", "http://", "http://user:pass@x", "http://x?y", "://", "http://x/v1", "http://x/base/v1/"} {
		if _, err := client.New(endpoint, "token"); err == nil {
			t.Errorf("New(%q): got no error", endpoint)
		}
	}
}

func TestNew_RefusesWhatIsNoToken(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"secret\n", " secret", "two words", "sécret", "\x7f"} {
		if _, err := client.New("http://x", token); !errors.Is(err, client.ErrToken) {
			t.Errorf("New with the token %q: got %v, want ErrToken", token, err)
		}
	}
}

func TestNew_RefusesImpossibleOptions(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]client.Option{"timeout": client.WithRequestTimeout(0), "concurrency": client.WithMaxConcurrency(0)} {
		if _, err := client.New("http://x", "token", option); err == nil {
			t.Errorf("%s of 0: got no error", name)
		}
	}
}

func TestClient_SendsTokenAndUserAgentOverHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer secret-token" {
			t.Errorf("Authorization: got %q", got)
		}
		if got := r.Header.Get("User-Agent"); got != "my-agent/1" {
			t.Errorf("User-Agent: got %q", got)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"ok"}`)
	}))
	defer server.Close()
	c, err := client.New(server.URL+"/", "secret-token", client.WithUserAgent("my-agent/1"))
	if err != nil {
		t.Fatal(err)
	}
	health, err := client.OK(c.GetHealthWithResponse(t.Context()))
	if err != nil || health.Status != "ok" {
		t.Fatalf("got %v, %v", health, err)
	}
}

func TestClient_RetriesByMethodAndStatus(t *testing.T) {
	t.Parallel()
	get := func(ctx context.Context, c *client.ClientWithResponses) (*http.Response, error) {
		return c.GetHealth(ctx)
	}
	put := func(ctx context.Context, c *client.ClientWithResponses) (*http.Response, error) {
		return c.PutOverride(ctx, "x", nil, client.OverrideInput{})
	}
	post := func(ctx context.Context, c *client.ClientWithResponses) (*http.Response, error) {
		return c.CreateToken(ctx, nil, client.TokenInput{Name: "x"})
	}
	keyed := func(ctx context.Context, c *client.ClientWithResponses) (*http.Response, error) {
		return c.CreateDestination(ctx, &client.CreateDestinationParams{IdempotencyKey: new("key")}, client.DestinationInput{})
	}
	unsent := transport(func(int, *http.Request) (*http.Response, error) { return nil, errors.New("connection refused") })
	sent := transport(func(_ int, req *http.Request) (*http.Response, error) {
		httptrace.ContextClientTrace(req.Context()).WroteHeaderField("Host", nil)
		return nil, errors.New("connection reset")
	})
	status := func(code int) transport {
		return func(int, *http.Request) (*http.Response, error) { return response(code, "text/plain", ""), nil }
	}
	cut := transport(func(int, *http.Request) (*http.Response, error) {
		resp := response(201, "application/json", "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"id":`), iotest.ErrReader(io.ErrUnexpectedEOF)))
		return resp, nil
	})
	cases := []struct {
		name  string
		call  func(context.Context, *client.ClientWithResponses) (*http.Response, error)
		first transport
		again bool
	}{
		{"GET, nothing sent", get, unsent, true},
		{"GET, answer lost", get, sent, true},
		{"GET 429", get, status(429), true},
		{"GET 500", get, status(500), false},
		{"GET 502", get, status(502), true},
		{"GET 503", get, status(503), true},
		{"GET 504", get, status(504), true},
		{"GET 404", get, status(404), false},
		{"PUT, answer lost", put, sent, true},
		{"PUT 504", put, status(504), true},
		{"PUT 409", put, status(409), false},
		{"PUT 412", put, status(412), false},
		{"PUT 422", put, status(422), false},
		{"POST, nothing sent", post, unsent, true},
		{"POST, answer lost", post, sent, false},
		{"POST 429", post, status(429), true},
		{"POST 502", post, status(502), false},
		{"POST 503", post, status(503), true},
		{"POST 504", post, status(504), false},
		{"POST, answer cut off", post, cut, false},
		{"POST with a key, nothing sent", keyed, unsent, true},
		{"POST with a key, answer lost", keyed, sent, true},
		{"POST with a key, answer cut off", keyed, cut, true},
		{"POST with a key 409", keyed, status(409), false},
		{"POST with a key 429", keyed, status(429), true},
		{"POST with a key 500", keyed, status(500), false},
		{"POST with a key 502", keyed, status(502), true},
		{"POST with a key 503", keyed, status(503), true},
		{"POST with a key 504", keyed, status(504), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api, tries := newClient(t, func(n int, req *http.Request) (*http.Response, error) {
					if n == 0 {
						return c.first(n, req)
					}
					if req.Body != nil && req.Method != http.MethodGet {
						if body, _ := io.ReadAll(req.Body); len(body) == 0 {
							t.Error("the body of the second try is empty")
						}
					}
					return healthy(), nil
				})
				resp, err := c.call(t.Context(), api)
				if err == nil {
					defer resp.Body.Close()
				}
				if again := *tries == 2; again != c.again {
					t.Fatalf("tried %d times (%v), want a second try: %v", *tries, err, c.again)
				}
				if c.again && (err != nil || resp.StatusCode != 200) {
					t.Fatalf("got %v, %v, want the second answer", resp, err)
				}
			})
		})
	}
}

func TestClient_WaitsAsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		api, _ := newClient(t, func(n int, _ *http.Request) (*http.Response, error) {
			switch n {
			case 0:
				return response(429, "text/plain", "", "Retry-After", "7"), nil
			case 1:
				return response(503, "text/plain", "", "Retry-After", began.Add(20*time.Second).UTC().Format(http.TimeFormat)), nil
			}
			return healthy(), nil
		})
		if _, err := client.OK(api.GetHealthWithResponse(t.Context())); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(began); got != 20*time.Second {
			t.Errorf("took %s, want 7 s by the first answer and then until 20 s by the second", got)
		}
	})
}

func TestClient_ReturnsTheLastAnswerWhenTimeIsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		api, tries := newClient(t, func(int, *http.Request) (*http.Response, error) {
			return response(503, "application/problem+json", `{"title":"Unavailable","detail":"starting"}`), nil
		}, client.WithRequestTimeout(10*time.Second))
		_, err := client.OK(api.GetDestinationWithResponse(t.Context(), "x"))
		if e, ok := errors.AsType[*client.Error](err); !ok || e.Status != 503 || e.Detail != "starting" {
			t.Errorf("got %v, want the last 503", err)
		}
		if *tries < 3 || time.Since(began) > 10*time.Second {
			t.Errorf("tried %d times in %s", *tries, time.Since(began))
		}
	})
}

func TestClient_DoesNotBeginAWaitItCannotFinish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		api, tries := newClient(t, func(int, *http.Request) (*http.Response, error) {
			return response(429, "text/plain", "", "Retry-After", "3600"), nil
		})
		_, err := client.OK(api.GetHealthWithResponse(t.Context()))
		if e, ok := errors.AsType[*client.Error](err); !ok || e.Status != 429 || *tries != 1 || time.Since(began) != 0 {
			t.Errorf("got %v after %d tries in %s, want the 429 at once", err, *tries, time.Since(began))
		}
	})
}

func TestClient_NamesTheLastAnswerWhenTheNextIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api, _ := newClient(t, func(n int, req *http.Request) (*http.Response, error) {
			if n == 0 {
				return response(502, "text/plain", ""), nil
			}
			<-req.Context().Done()
			return nil, req.Context().Err()
		})
		_, err := client.OK(api.GetHealthWithResponse(t.Context()))
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "Bad Gateway") {
			t.Errorf("got %v, want the deadline and the last answer", err)
		}
	})
}

func TestClient_ADeadlineOfTheCallerReplacesTheTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		api, _ := newClient(t, func(int, *http.Request) (*http.Response, error) {
			time.Sleep(2 * time.Minute)
			return healthy(), nil
		}, client.WithRequestTimeout(time.Second))
		if _, err := client.OK(api.GetHealthWithResponse(ctx)); err != nil {
			t.Error(err)
		}
	})
}

// refused is what a dialler returns when nobody listens.
func refused() error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
}

func TestClient_DoesNotTryAgainWhatCannotHeal(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T, endpoint string) int {
		t.Helper()
		tries := 0
		count := client.WithTransport(func(base http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				tries++
				return base.RoundTrip(req)
			})
		})
		api, err := client.New(endpoint, "", count)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.OK(api.GetHealthWithResponse(t.Context())); err == nil {
			t.Fatal("got no error")
		}
		return tries
	}
	for name, start := range map[string]func(*httptest.Server){
		"a certificate nobody knows": (*httptest.Server).StartTLS,
		"no TLS":                     (*httptest.Server).Start,
		"no cipher in common": func(s *httptest.Server) {
			s.TLS = &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_RC4_128_SHA}}
			s.StartTLS()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(http.NotFoundHandler())
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			start(server)
			defer server.Close()
			if got := ask(t, "https://"+server.Listener.Addr().String()); got != 1 {
				t.Errorf("tried %d times, want once", got)
			}
		})
	}
}

func TestClient_GivesUpSoonWhenNobodyIsThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		api, tries := newClient(t, func(int, *http.Request) (*http.Response, error) { return nil, refused() })
		_, err := client.OK(api.GetHealthWithResponse(t.Context()))
		if took := time.Since(began); err == nil || *tries < 3 || took > 5*time.Second {
			t.Errorf("got %v after %d tries in %s, want an error after some tries in 5 s", err, *tries, took)
		}
	})
}

func TestClient_IsPatientOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up := false
		api, tries := newClient(t, func(int, *http.Request) (*http.Response, error) {
			if up {
				return healthy(), nil
			}
			return nil, refused()
		})
		ask := func() int {
			before := *tries
			_, _ = client.OK(api.GetHealthWithResponse(t.Context()))
			return *tries - before
		}
		if first, second := ask(), ask(); first < 3 || second != 1 {
			t.Errorf("tried %d and then %d times, want several times and then once", first, second)
		}
		up = true
		ask()
		up = false
		if got := ask(); got < 3 {
			t.Errorf("tried %d times after there was an answer, want several times", got)
		}
	})
}

func TestClient_KeepsAConnectionForEachRequest(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	var underWay sync.WaitGroup
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		underWay.Done()
		underWay.Wait()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"ok"}`)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	api, err := client.New(server.URL, "", client.WithMaxConcurrency(8))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		var round sync.WaitGroup
		underWay.Add(8)
		for range 8 {
			round.Go(func() { _, _ = client.OK(api.GetHealthWithResponse(t.Context())) })
		}
		round.Wait()
	}
	if got := opened.Load(); got > 8 {
		t.Errorf("%d connections were opened, want at most 8", got)
	}
}

func TestClient_CapsRequestsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		base := roundTripper(func(*http.Request) (*http.Response, error) {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Second)
			now.Add(-1)
			return healthy(), nil
		})
		api, err := client.New("http://control-plane.test", "", client.WithMaxConcurrency(3), through(base))
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			go func() { _, _ = client.OK(api.GetHealthWithResponse(t.Context())) }()
		}
		time.Sleep(10 * time.Second)
		if most.Load() != 3 {
			t.Errorf("%d requests were under way at once, want 3", most.Load())
		}
	})
}

func TestClient_BoundsAnswers(t *testing.T) {
	t.Parallel()
	api, _ := newClient(t, func(int, *http.Request) (*http.Response, error) {
		resp := healthy()
		resp.Body = io.NopCloser(endless{})
		return resp, nil
	})
	if _, err := client.OK(api.GetHealthWithResponse(t.Context())); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("got %v, want that the answer is too long", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestError_HasAllThatTheProblemSays(t *testing.T) {
	t.Parallel()
	api, _ := newClient(t, func(int, *http.Request) (*http.Response, error) {
		return response(422, "application/problem+json", `{"type":"urn:x","title":"The request is not valid","status":422,
			"detail":"1 field is wrong","request_id":"r-1","errors":[{"field":"/display_name","message":"is required"}]}`), nil
	})
	_, err := client.Created(api.CreateDestinationWithResponse(t.Context(), nil, client.DestinationInput{}))
	e, ok := errors.AsType[*client.Error](err)
	if !ok {
		t.Fatalf("got %v, want an Error", err)
	}
	if e.Status != 422 || e.Type != "urn:x" || e.RequestID != "r-1" || len(e.Fields) != 1 || e.Fields[0].Field != "/display_name" {
		t.Errorf("got %+v", e)
	}
	want := "The request is not valid (422): 1 field is wrong; /display_name is required [request r-1]"
	if e.Error() != want {
		t.Errorf("got  %s\nwant %s", e, want)
	}
}

func TestError_SaysWhenItIsNoControlPlane(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{200: "not the answer of an alertrouter control plane", 302: "not the answer", 403: "Forbidden (403)"} {
		api, _ := newClient(t, func(int, *http.Request) (*http.Response, error) {
			return response(status, "text/html", "<html>\n  <title>Sign in</title>"+strings.Repeat("x", 500)), nil
		})
		_, err := client.OK(api.GetDestinationWithResponse(t.Context(), "x"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "<title>Sign in") || len(err.Error()) > 400 {
			t.Errorf("status %d: got %v", status, err)
		}
	}
}

func TestNoContent_TellsSuccessFromFailure(t *testing.T) {
	t.Parallel()
	api, _ := newClient(t, func(n int, _ *http.Request) (*http.Response, error) {
		return response([]int{204, 404}[n], "text/plain", ""), nil
	})
	if err := client.NoContent(api.DeleteDestinationWithResponse(t.Context(), "x", nil)); err != nil {
		t.Errorf("204: got %v", err)
	}
	if err := client.NoContent(api.DeleteDestinationWithResponse(t.Context(), "x", nil)); err == nil {
		t.Error("404: got no error")
	}
}
