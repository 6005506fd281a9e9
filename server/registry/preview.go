// SPDX-License-Identifier: MPL-2.0

package registry

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/alertrouter/terraform-provider-alertrouter/server/destination"
	"github.com/alertrouter/terraform-provider-alertrouter/server/problem"
)

// Preview is what an alert becomes for a destination of a type.
type Preview struct {
	Type string
	destination.Rendering
}

// Preview renders a message for a stored destination, also for a disabled one, and sends nothing. A message that cannot
// be rendered is problem.Invalid.
func (r *Registry) Preview(id string, m *destination.Message) (Preview, error) {
	d, ok := r.Snapshot().Destination(id)
	if !ok {
		return Preview{}, NoDestination(id)
	}
	return r.preview(d, m)
}

// PreviewDraft does the same for a destination that is not stored, or not as it is in the draft when id is not "": then
// secrets that are absent are the stored ones. A draft that is not valid is problem.Invalid.
func (r *Registry) PreviewDraft(id string, draft Draft, m *destination.Message) (Preview, error) {
	var old *destination.Destination
	if id != "" {
		d, ok := r.Snapshot().Destination(id)
		if !ok {
			return Preview{}, NoDestination(id)
		}
		old = &d
	}
	d, err := r.prepare(cmp.Or(id, newID()), draft, old)
	if err != nil {
		return Preview{}, err
	}
	return r.preview(d, m)
}

func (r *Registry) preview(d destination.Destination, m *destination.Message) (Preview, error) {
	t, secrets, err := r.unsealAll(d)
	if err != nil {
		return Preview{}, err
	}
	rendering, err := t.Preview(d.Config, secrets, r.opts.Env, m)
	if e, ok := errors.AsType[*destination.RenderError](err); ok {
		return Preview{}, notRendered(t.Name, e)
	}
	return Preview{Type: t.Name, Rendering: rendering}, err
}

// notRendered says why a message cannot be rendered, with the members of the config that the cause names, if any.
func notRendered(typeName string, cause error) error {
	detail := fmt.Sprintf("the alert cannot be sent to this destination: %s", cause)
	var fields []problem.Field
	for _, f := range problem.FieldsOf(cause) {
		fields = append(fields, problem.Field{Name: "/config/" + typeName + f.Name, Message: f.Message})
	}
	return &problem.Error{Kind: problem.Invalid, Detail: detail, Fields: fields}
}
