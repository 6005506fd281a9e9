// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
)

const httpLog = "http"

// loggedTransport writes one line for each request to the log that TF_LOG turns on. Headers and bodies, and so secrets,
// are not in it. Whatever comes back instead of a resource is shown to people and logged by Terraform: in that, what is
// hidden is replaced.
type loggedTransport struct {
	base   http.RoundTripper
	hidden *hidden
}

func (t *loggedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := tflog.NewSubsystem(req.Context(), httpLog)
	began := time.Now()
	resp, err := t.base.RoundTrip(req)
	fields := map[string]any{"method": req.Method, "path": req.URL.Path, "duration_ms": time.Since(began).Milliseconds()}
	if err != nil {
		fields["error"] = t.hidden.mask(err.Error())
		tflog.SubsystemWarn(ctx, httpLog, "request failed", fields)
		return nil, err
	}
	fields["status"] = resp.StatusCode
	tflog.SubsystemDebug(ctx, httpLog, "request answered", fields)
	if err := t.clean(resp); err != nil {
		return nil, err
	}
	return resp, nil
}

// longestComplaint is how much of an answer is kept that is no resource, in bytes.
const longestComplaint = 1 << 20

// clean takes what is hidden out of an answer that is no resource: a proxy that refuses a request may quote it. Of a
// problem document only what people read is touched: the rest is what a secret may be by chance, and programs go by it.
func (t *loggedTransport) clean(resp *http.Response) error {
	form, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode < 300 && form == "application/json" || resp.StatusCode == http.StatusNoContent {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, longestComplaint))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if form != "application/problem+json" || !t.hidden.maskProblem(&text) {
		text = []byte(t.hidden.mask(string(text)))
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return nil
}

// hidden are the texts that may not be shown: the token, and the secrets of the resources.
type hidden struct {
	mu    sync.Mutex
	texts map[string]bool
}

// shortestSecret is how long a text must be to be hidden, in bytes. A shorter one is in every other word.
const shortestSecret = 6

// add hides a text: as it is, as JSON has it, and as JSON has it that quotes JSON.
func (h *hidden) add(text string) {
	if len(text) < shortestSecret {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.texts == nil {
		h.texts = map[string]bool{}
	}
	for _, once := range append(quotations(text), text) {
		h.texts[once] = true
		for _, twice := range quotations(once) {
			h.texts[twice] = true
		}
	}
}

// quotations are the ways in which JSON has a text, less the quotes around it.
func quotations(text string) []string {
	var ways []string
	for _, escapeHTML := range []bool{true, false} {
		var quoted strings.Builder
		encoder := json.NewEncoder(&quoted)
		encoder.SetEscapeHTML(escapeHTML)
		_ = encoder.Encode(text)                               // a string can always be encoded
		ways = append(ways, quoted.String()[1:quoted.Len()-2]) // a line break follows
	}
	return ways
}

// mask replaces what is hidden in a text.
func (h *hidden) mask(text string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	longestFirst := slices.SortedFunc(maps.Keys(h.texts), func(a, b string) int { return len(b) - len(a) }) // one may be a part of another
	for _, secret := range longestFirst {
		text = strings.ReplaceAll(text, secret, "[secret]")
	}
	return text
}

// maskProblem replaces what is hidden in the texts of a problem document, and reports whether it is one.
func (h *hidden) maskProblem(document *[]byte) bool {
	var p map[string]any
	if json.Unmarshal(*document, &p) != nil {
		return false
	}
	h.maskMember(p, "title")
	h.maskMember(p, "detail")
	fields, _ := p["errors"].([]any)
	for _, field := range fields {
		if field, ok := field.(map[string]any); ok {
			h.maskMember(field, "message")
		}
	}
	masked, err := json.Marshal(p)
	if err != nil {
		return false
	}
	*document = masked
	return true
}

func (h *hidden) maskMember(of map[string]any, name string) {
	if text, ok := of[name].(string); ok {
		of[name] = h.mask(text)
	}
}
