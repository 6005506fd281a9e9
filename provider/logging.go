// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"net/http"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
)

const httpLog = "http"

// loggedTransport writes one line for each request to the log that TF_LOG turns on. Headers and bodies, and so secrets,
// are not in it; the token is masked in case an error repeats it.
type loggedTransport struct {
	base  http.RoundTripper
	token string
}

func (t *loggedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := tflog.NewSubsystem(req.Context(), httpLog)
	ctx = tflog.SubsystemMaskAllFieldValuesStrings(ctx, httpLog, t.token)
	ctx = tflog.SubsystemMaskMessageStrings(ctx, httpLog, t.token)
	began := time.Now()
	resp, err := t.base.RoundTrip(req)
	fields := map[string]any{"method": req.Method, "path": req.URL.Path, "duration_ms": time.Since(began).Milliseconds()}
	if err != nil {
		fields["error"] = err.Error()
		tflog.SubsystemWarn(ctx, httpLog, "request failed", fields)
		return nil, err
	}
	fields["status"] = resp.StatusCode
	tflog.SubsystemDebug(ctx, httpLog, "request answered", fields)
	return resp, nil
}
