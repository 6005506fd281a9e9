// SPDX-License-Identifier: MPL-2.0

package destination

import (
	"encoding/json"
	"fmt"

	"github.com/alertrouter/terraform-provider-alertrouter/server/outbound"
	"github.com/alertrouter/terraform-provider-alertrouter/server/secret"
)

// Preview renders a message as a sender made of these stored parts would. Whatever a type leaves in its rendering, every
// secret is masked in it.
func (t Type) Preview(public json.RawMessage, secrets map[string]json.RawMessage, env Env, m *Message) (Rendering, error) {
	sender, err := t.Open(public, secrets, env)
	if err != nil {
		return Rendering{}, fmt.Errorf("open a %s destination to render for it: %w", t.Name, err)
	}
	rendering, err := sender.Render(m)
	if err != nil {
		return Rendering{}, &RenderError{err}
	}
	var texts []secret.String
	for _, value := range secrets {
		texts = append(texts, textsOf(value)...)
	}
	rendering.Body = outbound.MaskJSON(rendering.Body, texts...)
	return rendering, nil
}

// RenderError is why a message cannot be rendered: what a sender's Render says.
type RenderError struct{ Cause error }

func (e *RenderError) Error() string { return e.Cause.Error() }

// Unwrap returns the cause.
func (e *RenderError) Unwrap() error { return e.Cause }

// textsOf returns the texts of a secret member, which is a text or a map of them.
func textsOf(value json.RawMessage) []secret.String {
	var one string
	if json.Unmarshal(value, &one) == nil {
		return []secret.String{secret.New(one)}
	}
	var several map[string]string
	_ = json.Unmarshal(value, &several) // a secret is nothing else
	texts := make([]secret.String, 0, len(several))
	for _, text := range several {
		texts = append(texts, secret.New(text))
	}
	return texts
}
