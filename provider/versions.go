// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/alertrouter/terraform-provider-alertrouter/client"
)

// versionTimeout bounds the question that a strange answer leads to.
const versionTimeout = 5 * time.Second

// A versionsError is a strange answer, and what the versions of both sides have to do with it.
type versionsError struct {
	error
	sentence string
}

func (e *versionsError) Error() string { return e.error.Error() + ". " + e.sentence }

func (e *versionsError) Unwrap() error { return e.error }

// explain adds to an answer that makes no sense whether the control plane is too old or too new for it. That is asked
// once, and only then: as long as all is well, nobody needs to know.
func (s *session) explain(ctx context.Context, err error) error {
	if !client.Foreign(err) {
		return err
	}
	s.asked.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), versionTimeout)
		defer cancel()
		v, err := client.OK(s.api.GetVersionWithResponse(ctx))
		s.versions = compare(s.version, v, err)
	})
	if s.versions == "" {
		return err
	}
	return &versionsError{err, s.versions}
}

// compare says what to upgrade, given the version of the provider and what the control plane answered when it was asked
// for its own; "" when that tells nothing.
func compare(provider string, v *client.Version, err error) string {
	if err == nil {
		both := fmt.Sprintf("The control plane is version %s (API %d); this provider %s speaks API %d: ", v.Version, v.APIVersion, provider, client.APIVersion)
		switch {
		case v.Version == "":
			return noControlPlane(provider)
		case v.APIVersion < client.APIVersion:
			return both + "upgrade the control plane."
		case v.OldestAPIVersion > client.APIVersion:
			return both + fmt.Sprintf("upgrade the provider, the control plane needs API %d or later.", v.OldestAPIVersion)
		}
		return ""
	}
	answer, ok := errors.AsType[*client.Error](err)
	switch {
	case !ok || !client.Foreign(err):
		return ""
	case answer.Type != "":
		return fmt.Sprintf("The control plane does not tell its version either: it is older than any that this provider %s knows, and is to be upgraded. "+
			"Or it is asked at the wrong path: check endpoint in the provider block.", provider)
	}
	return noControlPlane(provider)
}

func noControlPlane(provider string) string {
	return fmt.Sprintf("What answers there does not tell its version either. It is no control plane, or one older than any that this provider %s knows: check endpoint in the provider block, and any proxy on the way.", provider)
}

// report is addError, and explains what makes no sense.
func (c *caller) report(ctx context.Context, diags *diag.Diagnostics, doing string, err error, find attributeOf) {
	addError(diags, doing, c.session.explain(ctx, err), find)
}
