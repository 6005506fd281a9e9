// SPDX-License-Identifier: MPL-2.0

package destination

import (
	"encoding/json"
	"fmt"
)

// Preview renders a message as a sender made of these stored parts would. No type puts a secret into its rendering, and
// nothing is masked here: whoever may preview chooses the alert, and what is masked in it would tell a right guess at a
// stored secret from a wrong one.
func (t Type) Preview(public json.RawMessage, secrets map[string]json.RawMessage, env Env, m *Message) (Rendering, error) {
	sender, err := t.Open(public, secrets, env)
	if err != nil {
		return Rendering{}, fmt.Errorf("open a %s destination to render for it: %w", t.Name, err)
	}
	rendering, err := sender.Render(m)
	if err != nil {
		return Rendering{}, &RenderError{err}
	}
	return rendering, nil
}

// RenderError is why a message cannot be rendered: what a sender's Render says.
type RenderError struct{ Cause error }

func (e *RenderError) Error() string { return e.Cause.Error() }

// Unwrap returns the cause.
func (e *RenderError) Unwrap() error { return e.Cause }
