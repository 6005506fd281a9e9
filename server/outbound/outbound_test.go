// SPDX-License-Identifier: MPL-2.0

package outbound_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

const path = "/services/T000/hidden-token?key=hidden-key"

func TestClient_ReturnsTheAnswer(t *testing.T) {
	t.Parallel()
	onEachPath(t, func(t *testing.T, client *outbound.Client) {
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Agent", r.UserAgent())
			w.WriteHeader(http.StatusTeapot)
			_, _ = io.Copy(w, r.Body)
		})
		req, err := http.NewRequest(http.MethodPost, server.URL+path, strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusTeapot || string(resp.Body) != "hello" || resp.Header.Get("X-Agent") != "alertrouter" {
			t.Errorf("got %d %q by agent %q, want 418 hello by alertrouter", resp.StatusCode, resp.Body, resp.Header.Get("X-Agent"))
		}
		if len(req.Header) > 0 {
			t.Errorf("the caller's request was changed: %v", req.Header)
		}
	})
}

func TestClient_SaysWhoItIs(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.UserAgent()) })
	for _, path := range paths {
		client := outbound.New(outbound.Options{Allow: loopback, UserAgent: "alertrouter/1.2"})
		t.Cleanup(client.Close)
		path.choose(client)
		for own, want := range map[string]string{"": "alertrouter/1.2", "somebody": "somebody"} {
			req, err := http.NewRequest(http.MethodGet, server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("User-Agent", own)
			resp, err := client.Do(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(resp.Body); got != want || req.UserAgent() != own {
				t.Errorf("%s: got agent %q and left %q in the request, want %q and %q", path.name, got, req.UserAgent(), want, own)
			}
		}
	}
}

func TestClient_DoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	onEachPath(t, func(t *testing.T, client *outbound.Client) {
		var calls atomic.Int64
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			calls.Add(1)
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		})
		resp, err := get(t, client, server.URL)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusTemporaryRedirect || calls.Load() != 1 {
			t.Errorf("got status %d after %d calls, want 307 after 1", resp.StatusCode, calls.Load())
		}
	})
}

func TestClient_IgnoresTheProxyEnvironment(t *testing.T) {
	var proxied atomic.Bool
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { proxied.Store(true) })
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	client := outbound.New(outbound.Options{Allow: loopback, Resolver: resolvingTo(t, netip.MustParseAddr("127.0.0.1"))})
	_, port, _ := net.SplitHostPort(serve(t, func(http.ResponseWriter, *http.Request) {}).Listener.Addr().String())
	if _, err := get(t, client, "http://public.example:"+port); err != nil {
		t.Error(err)
	}
	if proxied.Load() {
		t.Error("the request went through the proxy")
	}
}

func TestClient_ReadsNoFurtherThanTheCap(t *testing.T) {
	t.Parallel()
	onEachPath(t, func(t *testing.T, client *outbound.Client) {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			for { // until the client hangs up
				if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<16)); err != nil {
					return
				}
			}
		})
		resp, err := get(t, client, server.URL)
		if err != nil {
			t.Fatal(err)
		}
		if len(resp.Body) != outbound.MaxBody {
			t.Errorf("got %d bytes, want %d", len(resp.Body), outbound.MaxBody)
		}
		const more = 5 * outbound.MaxBody / 2
		req, err := http.NewRequestWithContext(outbound.WithMaxBody(t.Context(), more), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err = client.Do(req.Context(), req); err != nil || len(resp.Body) != more {
			t.Errorf("got %d bytes, error %v, want the %d that were asked for", len(resp.Body), err, more)
		}
	})
}

func TestClient_DoesNotUnfoldCompressedAnswers(t *testing.T) {
	t.Parallel()
	onEachPath(t, func(t *testing.T, client *outbound.Client) {
		var bomb bytes.Buffer
		zip := gzip.NewWriter(&bomb)
		_, _ = zip.Write(make([]byte, 16<<20))
		_ = zip.Close()
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Accept-Encoding"); got != "" {
				t.Errorf("got Accept-Encoding %q, want none", got)
			}
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		})
		resp, err := get(t, client, server.URL)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(resp.Body, bomb.Bytes()) {
			t.Errorf("got %d bytes, want the %d compressed ones", len(resp.Body), bomb.Len())
		}
	})
}

func TestClient_RefusesLargeHeaders(t *testing.T) {
	t.Parallel()
	onEachPath(t, func(t *testing.T, client *outbound.Client) {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
		})
		_, err := get(t, client, server.URL)
		if err == nil {
			t.Error("got no error, want one")
		}
	})
}

func TestClient_ReusesConnections(t *testing.T) {
	t.Parallel()
	onEachPath(t, func(t *testing.T, client *outbound.Client) {
		const concurrent, rounds = 64, 4
		var opened atomic.Int64
		var together sync.WaitGroup
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			together.Done() // all of a round are in flight at the same time
			together.Wait()
			_, _ = w.Write(make([]byte, outbound.MaxBody-1))
		}))
		server.Config.ConnState = countNew(&opened)
		server.Start()
		t.Cleanup(server.Close)
		for range rounds {
			together.Add(concurrent)
			var done sync.WaitGroup
			for range concurrent {
				done.Go(func() {
					if _, err := get(t, client, server.URL); err != nil {
						t.Error(err)
					}
				})
			}
			done.Wait()
		}
		// A transport may dial ahead while a connection comes free, so a few more than 64 are in order.
		if n := opened.Load(); n > 2*concurrent {
			t.Errorf("opened %d connections for %d rounds of %d, want about %d", n, rounds, concurrent, concurrent)
		}
	})
}

func TestClient_SpeaksHTTP2(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client := outbound.New(outbound.Options{Allow: loopback, RootCAs: roots})
	t.Cleanup(client.Close)
	resp, err := get(t, client, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(resp.Body); got != "HTTP/2.0" {
		t.Errorf("got %s, want HTTP/2.0", got)
	}
}

func TestClient_RefusesRequestsItCannotSend(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"ftp://hidden.example/", "file:///etc/passwd", "gopher://hidden.example", "//hidden.example", "https://", "http:///hidden",
		"https://hidden:hidden@public.example/", "https://hidden@public.example/", "mailto:hidden@public.example", "unix:///hidden",
	} {
		_, err := get(t, newClient(t), url)
		if !errors.Is(err, outbound.ErrBadRequest) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("get %s: got error %v, want ErrBadRequest without the URL", url, err)
		}
		if outbound.CheckURL(url) == "" {
			t.Errorf("CheckURL(%q) finds nothing wrong", url)
		}
	}
	if _, err := newClient(t).Do(t.Context(), &http.Request{}); !errors.Is(err, outbound.ErrBadRequest) {
		t.Errorf("a request without a URL: got error %v, want ErrBadRequest", err)
	}
	if fault := outbound.CheckURL("https://public.example" + path); fault != "" {
		t.Errorf("a good URL %s", fault)
	}
}

func TestClient_KeepsTheURLOutOfErrors(t *testing.T) {
	t.Parallel()
	onEachPath(t, func(t *testing.T, client *outbound.Client) {
		tls := httptest.NewTLSServer(http.NotFoundHandler())
		t.Cleanup(tls.Close)
		plain := serve(t, func(http.ResponseWriter, *http.Request) {})
		echo := listen(t, func(conn net.Conn, head string) { _, _ = io.WriteString(conn, head) })
		header := listen(t, func(conn net.Conn, head string) { _, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+head) })

		for name, url := range map[string]string{
			"refused":            "http://" + refusing(t),
			"unknown name":       "http://unknown.invalid",
			"blocked":            "http://10.0.0.5",
			"untrusted":          tls.URL,
			"not TLS":            strings.Replace(plain.URL, "http", "https", 1),
			"not HTTP":           "http://" + echo,
			"not a header":       "http://" + header,
			"not an IPv4 number": "http://127.1",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				_, err := get(t, client, url+path)
				if err == nil {
					t.Fatal("got no error, want one")
				}
				if strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "services") {
					t.Errorf("got error %q, want none of the path", err)
				}
				host := strings.TrimPrefix(strings.TrimPrefix(url, "http://"), "https://")
				if !strings.HasPrefix(err.Error(), host+": ") {
					t.Errorf("got error %q, want it to name %s", err, host)
				}
			})
		}
	})
}

func TestClient_SaysWhetherTheRequestWasSent(t *testing.T) {
	t.Parallel()
	onEachPath(t, func(t *testing.T, client *outbound.Client) {
		t.Run("the answer is lost", func(t *testing.T) {
			t.Parallel()
			address := listen(t, func(net.Conn, string) {}) // reads the request and hangs up
			_, err := get(t, client, "http://"+address+path)
			if !outbound.WasSent(err) {
				t.Errorf("WasSent(%v) = false, want true", err)
			}
		})
		t.Run("the answer is late", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				cancel(context.DeadlineExceeded)
				<-r.Context().Done()
			})
			req, err := http.NewRequest(http.MethodGet, server.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.Do(ctx, req)
			if !outbound.WasSent(err) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got error %v (sent %t), want a sent one wrapping DeadlineExceeded", err, outbound.WasSent(err))
			}
		})
		t.Run("nobody listens", func(t *testing.T) {
			t.Parallel()
			_, err := get(t, client, "http://"+refusing(t))
			if err == nil || outbound.WasSent(err) {
				t.Errorf("got error %v (sent %t), want one that was not sent", err, outbound.WasSent(err))
			}
		})
		t.Run("the status arrived, the body broke off", func(t *testing.T) {
			t.Parallel()
			address := listen(t, func(conn net.Conn, _ string) {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
			})
			resp, err := get(t, client, "http://"+address+path)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != 200 || string(resp.Body) != "part" {
				t.Errorf("got %d %q, want 200 part", resp.StatusCode, resp.Body)
			}
		})
	})
}

func TestResponse_ExcerptMasksSecrets(t *testing.T) {
	t.Parallel()
	hook := secret.New("https://hooks.example/services/T000/hidden-token%20x?key=hidden-key")
	for _, c := range []struct{ body, want string }{
		{"ok", "ok"},
		{"no hook " + hook.Reveal(), "no hook [secret]"},
		{"no path /services/T000/hidden-token%20x?key=hidden-key", "no path [secret]"},
		{"no path /services/T000/hidden-token x", "no path [secret]"},
		{"no token hidden-token x, no key hidden-key", "no token [secret], no key [secret]"},
		{"not \xff text", "not � text"},
		{strings.Repeat("a", 2047) + "é", strings.Repeat("a", 2047)},
		{strings.Repeat("a", 2040) + "hidden-key", strings.Repeat("a", 2040) + "[secret]"},
	} {
		resp := outbound.Response{Body: []byte(c.body)}
		if got := resp.Excerpt(hook, secret.String{}); got != c.want {
			t.Errorf("excerpt of %q: got %q, want %q", c.body, got, c.want)
		}
	}
}

func TestResponse_ExcerptMasksEscapedSecrets(t *testing.T) {
	t.Parallel()
	key := `A"B\7/<c>&'d é+😀%41`
	masked := secret.New(key)
	for name, body := range map[string]string{
		"as it is":             key,
		"JSON":                 `A\"B\\7/<c>&'d é+😀%41`,
		"JSON with HTML":       `A\"B\\7/\u003cc\u003e\u0026'd é+😀%41`,
		"JSON, upper hex":      `A\u0022B\u005C7/\u003Cc\u003E\u0026\u0027d \u00E9+\uD83D\uDE00%41`,
		"PHP":                  `A\"B\\7\/<c>&'d \u00e9+\ud83d\ude00%41`,
		"query":                url.QueryEscape(key),
		"path":                 url.PathEscape(key),
		"lower hex":            "A%22B%5c7%2f%3cc%3e%26%27d%20%c3%a9%2b%f0%9f%98%80%2541",
		"JSON of query":        strings.ReplaceAll(url.QueryEscape(key), "%26", `\u0026`),
		"HTML":                 html.EscapeString(key),
		"HTML, named and hex":  "A&quot;B\\7/&lt;c&gt;&amp;&apos;d &eacute;&#x2B;😀%41",
		"JSON in a JSON value": `A\\\"B\\\\7\\/<c>\\u0026'd é+😀%41`,
	} {
		resp := outbound.Response{Body: []byte("{" + body + "}")}
		if got := resp.Excerpt(masked); got != "{"+secret.Mask+"}" {
			t.Errorf("%s: got %q, want only the mask", name, got)
		}
	}
	hook := secret.New("https://hooks.example/in/t%2Foken-of-hook?sig=a%2Bb%26cdefgh&hidden-flag")
	for body, want := range map[string]string{
		`{"path":"\/in\/t%2Foken-of-hook?sig=a%2Bb%26cdefgh\u0026hidden-flag"}`: `{"path":"[secret]"}`,
		`{"token":"t\/oken-of-hook"}`:                                           `{"token":"[secret]"}`,
		`{"sig":"a+b\u0026cdefgh","flag":"hidden-flag"}`:                        `{"sig":"[secret]","flag":"[secret]"}`,
		`hooks\u002eexample`:                                                    `hooks\u002eexample`,
	} {
		resp := outbound.Response{Body: []byte(body)}
		if got := resp.Excerpt(hook); got != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
}

func TestResponse_ExcerptMasksSecretsThatOverlap(t *testing.T) {
	t.Parallel()
	resp := outbound.Response{Body: []byte("x first-half-last y " + strings.Repeat("z", 2028-8) + "first-half-last")}
	got := resp.Excerpt(secret.New("first-half"), secret.New("half-last"))
	if want := "x [secret] y " + strings.Repeat("z", 2028-8) + "[secret]"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Secrets that can be read in very many ways must not take time to match.
func TestResponse_ExcerptIsQuick(t *testing.T) {
	t.Parallel()
	resp := outbound.Response{Body: bytes.Repeat([]byte(`\`), outbound.MaxBody)}
	began := time.Now()
	resp.Excerpt(secret.New(strings.Repeat(`\`, 12)+"x"), secret.New(strings.Repeat(`%`, 12)+"x"))
	if took := time.Since(began); took > 2*time.Minute {
		t.Errorf("took %s", took)
	}
}

func TestClient_SaysWhatOnlyAnOperatorCanMend(t *testing.T) {
	t.Parallel()
	untrusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(untrusted.Close)
	silent := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("no DNS server")
	}}
	for name, c := range map[string]struct {
		client *outbound.Client
		url    string
		want   bool
	}{
		"a certificate nobody trusts": {newClient(t), untrusted.URL, true},
		"a name that does not exist":  {outbound.New(outbound.Options{Resolver: unknowing(t)}), "http://unknown.example", true},
		"no DNS server":               {outbound.New(outbound.Options{Resolver: silent}), "http://unknown.example", false},
		"nobody listens":              {newClient(t), "http://" + refusing(t), false},
	} {
		_, err := get(t, c.client, c.url)
		if err == nil || errors.Is(err, outbound.ErrNeedsOperator) != c.want {
			t.Errorf("%s: got error %v, want ErrNeedsOperator: %t", name, err, c.want)
		}
		if outbound.WasSent(err) {
			t.Errorf("%s: WasSent(%v) = true, want false", name, err)
		}
	}
}

func TestCheckURL_RefusesPortsThatDoNotExist(t *testing.T) {
	t.Parallel()
	for port, good := range map[string]bool{
		"": true, ":": true, ":1": true, ":443": true, ":65535": true,
		":0": false, ":65536": false, ":99999": false, ":99999999999999999999": false, ":x": false, ":-1": false,
	} {
		if fault := outbound.CheckURL("http://public.example" + port + "/"); (fault == "") != good {
			t.Errorf("port %q: got fault %q, want it accepted: %t", port, fault, good)
		}
	}
}

func TestCheckURL_SaysThatThereIsSpace(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"https://public.example/hook\n", "https://public.example/hook ", "\thttps://public.example/hook", "https://public.example/\r\nhook"} {
		if fault := outbound.CheckURL(url); !strings.Contains(fault, "line break") {
			t.Errorf("%q: got fault %q, want that there is a line break or space", url, fault)
		}
	}
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// paths are the two ways of plain HTTP through a client: its own, and net/http's for what that does not take.
var paths = []struct {
	name   string
	choose func(*outbound.Client)
}{
	{"direct", func(*outbound.Client) {}},
	{"transport", (*outbound.Client).UseTransport},
}

func onEachPath(t *testing.T, test func(t *testing.T, client *outbound.Client)) {
	t.Helper()
	for _, path := range paths {
		t.Run(path.name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t)
			path.choose(client)
			test(t, client)
		})
	}
}

// countNew counts the connections of a server.
func countNew(opened *atomic.Int64) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
}

func newClient(t testing.TB) *outbound.Client {
	t.Helper()
	client := outbound.New(outbound.Options{Allow: loopback})
	t.Cleanup(client.Close)
	return client
}

func serve(t testing.TB, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return server
}

// listen serves one connection after another without HTTP: answer gets the request's head, and the connection is
// closed when it returns.
func listen(t testing.TB, answer func(conn net.Conn, head string)) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			var head strings.Builder
			for lines := bufio.NewReader(conn); ; {
				line, err := lines.ReadString('\n')
				head.WriteString(line)
				if err != nil || line == "\r\n" {
					break
				}
			}
			answer(conn, head.String())
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// refusing returns an address that is in use, so that nobody else comes to listen there, but not for listening.
func refusing(t testing.TB) (address string) {
	t.Helper()
	conn, err := net.Dial("tcp", listen(t, func(net.Conn, string) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String()
}

func get(t testing.TB, client *outbound.Client, url string) (*outbound.Response, error) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatalf("request for %s: %v", url, err)
	}
	return client.Do(t.Context(), req)
}

func TestFailed_SpeaksAsDoDoes(t *testing.T) {
	t.Parallel()
	err := outbound.Failed("smtp.example.com:587", true, io.EOF)
	if want := "smtp.example.com:587: the connection was closed before an answer; the request had been sent"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if !outbound.WasSent(err) || outbound.WasSent(outbound.Failed("smtp.example.com:587", false, io.EOF)) {
		t.Error("WasSent does not tell whether the message had been sent")
	}
	if err := outbound.Failed("smtp.example.com:587", false, &tls.CertificateVerificationError{Err: io.EOF}); !errors.Is(err, outbound.ErrNeedsOperator) {
		t.Errorf("got %v, want it to need an operator", err)
	}
	if text := outbound.Failed("smtp.example.com:587", false, errors.New("it said secret-word")).Error(); strings.Contains(text, "secret-word") {
		t.Errorf("got %q, which quotes what the other side said", text)
	}
}

func TestClient_TLSConfig(t *testing.T) {
	t.Parallel()
	roots := x509.NewCertPool()
	config := outbound.New(outbound.Options{RootCAs: roots}).TLSConfig("smtp.example.com")
	if config.RootCAs != roots || config.ServerName != "smtp.example.com" || config.MinVersion != tls.VersionTLS12 || config.InsecureSkipVerify || config.NextProtos != nil {
		t.Errorf("got %+v", config)
	}
}
