// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// attributeOf finds the attribute that a field of a request body came from, given the field's JSON pointer. The pointer
// "" is the whole: what is found for it is the attribute that names the thing.
type attributeOf func(pointer string) (path.Path, bool)

// advice tells a user what to do about an answer, by its HTTP status.
var advice = map[int]string{
	http.StatusUnauthorized: "The control plane does not know the token. Check token in the provider block or the environment variable " + tokenEnv + ": it may have been revoked, or belong to another control plane.",
	http.StatusForbidden:    "The token lacks a permission this needs. Use one that holds it: the page of each resource names its permissions.",
	http.StatusConflict: "Another one has this name or id. Choose another, or adopt the existing one with an import block. If it is to be replaced by this very resource, " +
		"take create_before_destroy out of its lifecycle block, or give the new one another name.",
	http.StatusPreconditionFailed: "It was changed outside Terraform after this plan was made, or by an earlier apply that got no answer. " +
		"Nothing was overwritten. Run the command again: the next plan shows what is different.",
	http.StatusTooManyRequests: "The control plane still asks to wait after all retries. Lower max_concurrency in the provider block or Terraform's -parallelism, or try again later.",
}

// addError reports what an API call failed with: one error for each field the server names, on its attribute, or one
// for all. doing is a phrase such as "create the destination".
func addError(diags *diag.Diagnostics, doing string, err error, find attributeOf) {
	summary := "Cannot " + doing
	answer, ok := errors.AsType[*client.Error](err)
	if !ok {
		diags.AddError(summary, "The control plane did not answer: "+sentence(err.Error())+"\n\n"+connectionAdvice(err))
		return
	}
	footer := footer(answer, err)
	for _, field := range answer.Fields {
		if at, ok := find(field.Field); ok {
			diags.AddAttributeError(at, summary, at.String()+" "+field.Message+"."+footer)
			continue
		}
		diags.AddError(summary, field.Field+" "+field.Message+"."+footer)
	}
	if len(answer.Fields) > 0 {
		return
	}
	detail := answer.Title
	if answer.Detail != "" {
		detail += ": " + answer.Detail
	}
	detail = sentence(detail)
	if at, ok := find(""); ok && (answer.Status == http.StatusConflict || isGone(err)) {
		diags.AddAttributeError(at, summary, detail+footer)
		return
	}
	diags.AddError(summary, detail+footer)
}

// sentence ends a text with a full stop, if it does not end like a sentence.
func sentence(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") || strings.HasSuffix(text, "!") {
		return text
	}
	return text + "."
}

// footer says what to do, and what to look for. err is the answer, perhaps with more about it.
func footer(answer *client.Error, err error) string {
	text := ""
	versions, explained := errors.AsType[*versionsError](err)
	switch more := advice[answer.Status]; {
	case explained:
		text += "\n\n" + versions.sentence
	case more != "":
		text += "\n\n" + more
	case answer.Status == http.StatusNotFound && !isGone(answer):
		text += "\n\nThis is not how a control plane says that something does not exist: check endpoint in the provider block, and any proxy on the way."
	case answer.Status >= http.StatusInternalServerError && answer.Type == "":
		text += "\n\nThis comes from something that stands before the control plane, such as a proxy: check endpoint in the provider block, and whether the control plane runs and answers in time."
	case answer.Status >= http.StatusInternalServerError:
		text += "\n\nThe control plane failed, not the configuration. Try again later."
	}
	return text + trace(answer)
}

// trace says what to look for in the server's log.
func trace(answer *client.Error) string {
	if answer.Status == 0 {
		return ""
	}
	text := fmt.Sprintf("\n\nHTTP status %d", answer.Status)
	if answer.RequestID != "" {
		text += ", request " + answer.RequestID + " in the control plane's log"
	}
	return text + "."
}

// connectionAdvice tells what to do when there was no answer.
func connectionAdvice(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "The time of request_timeout in the provider block was over. See that the control plane runs and is not overloaded, or give it more."
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "The certificate of the control plane is from an authority that this machine does not know. Set ca_cert in the provider block, or the environment variable " + caEnv + ", to the certificate of that authority."
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "The certificate of the control plane is for other names: check endpoint in the provider block."
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		return "The control plane does not accept this client. If it asks for certificates, set client_cert and client_key in the provider block, or the environment variables " +
			certEnv + " and " + keyEnv + ", to one from an authority that it knows (its setting tls-client-ca)."
	}
	return "Check endpoint in the provider block or the environment variable " + endpointEnv + ", and that the control plane runs and can be reached from here."
}

// addGone is for an update of what is not there any more.
func addGone(diags *diag.Diagnostics, what string) {
	diags.AddError("Cannot update the "+what, "It was deleted outside Terraform after this plan was made. Run the command again: the next plan creates it anew.")
}

// addInUse is for the deletion of a destination that others name as their fallback.
func addInUse(diags *diag.Diagnostics, what string, answer *client.Error) {
	diags.AddError("Cannot delete the "+what, answer.Detail+".\n\n"+
		"Terraform destroys before it changes what referred to the destroyed. To do both in one apply, give this resource "+
		"the lifecycle argument create_before_destroy = true before it is removed; or change the others in an apply of their own.")
}

// noAttribute is for calls whose input has no attributes to point at.
func noAttribute(string) (path.Path, bool) { return path.Empty(), false }

// isGone reports whether err says that what was asked for does not exist.
func isGone(err error) bool {
	answer, ok := errors.AsType[*client.Error](err)
	return ok && answer.Type == client.NotFound
}

// conflict returns the answer that says that what is there does not allow it, or nil: what was to be deleted is what
// others refer to, what was to be made has something that another has.
func conflict(err error) *client.Error {
	if answer, ok := errors.AsType[*client.Error](err); ok && answer.Status == http.StatusConflict {
		return answer
	}
	return nil
}

// isStale reports whether err says that what was to be changed is not what it was.
func isStale(err error) bool {
	answer, ok := errors.AsType[*client.Error](err)
	return ok && answer.Status == http.StatusPreconditionFailed
}

// revisionTag is the entity tag of a revision, for If-Match.
func revisionTag(revision int64) *string {
	tag := fmt.Sprintf("%q", fmt.Sprint(revision))
	return &tag
}
