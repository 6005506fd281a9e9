// SPDX-License-Identifier: MPL-2.0

package template

import "strings"

// Kind says what a value is.
type Kind string

// The kinds, as error messages call them.
const (
	Text    Kind = "a text"
	Number  Kind = "a number"
	Truth   Kind = "true or false"
	List    Kind = "a list"
	Map     Kind = "a map"
	Nothing Kind = "nothing"
)

// Name is something a template may ask for. Below a map whose members are not listed, which is the context, anything
// may be asked for.
type Name struct {
	Path string // such as ".detection.id"
	Kind Kind
	Doc  string
}

// Names lists everything a template may ask for.
func Names() []Name {
	return []Name{
		{".title", Text, "The alert's title: the generated one, else the detection's name, else its id."},
		{".severity", Text, "The severity the alert was routed with: `INFO`, `LOW`, `MEDIUM`, `HIGH` or `CRITICAL`."},
		{".type", Text, "The alert's type, such as `RULE`."},
		{".description", Text, "The description: the generated one, else the detection's."},
		{".runbook", Text, "The runbook, likewise."},
		{".reference", Text, "The reference, likewise."},
		{".alert_id", Text, "The alert's id."},
		{".link", Text, "Where a person reads more: an `http` or `https` URL, or empty."},
		{".created_at", Text, "When the alert was made, such as `2026-11-21T03:35:21Z`; see `date`."},
		{".dedup", Text, "What repeats of the alert have in common."},
		{".tags", List, "The detection's tags."},
		{".log_types", List, "The log types the alert was raised on."},
		{".detection", Map, "The detection that raised the alert."},
		{".detection.id", Text, "Its id."},
		{".detection.name", Text, "Its name; may be empty."},
		{".detection.version", Text, "Its version."},
		{".detection.severity", Text, "Its own severity, which an override or the generated one may have replaced."},
		{".detection.description", Text, "Its own description."},
		{".detection.runbook", Text, "Its own runbook."},
		{".detection.reference", Text, "Its own reference."},
		{".detection.tags", List, "Its tags."},
		{".context", Map, "What the detection engine put in the alert's context. Anything may be asked for below it: `.context.user.name` is empty where there is no such member."},
		{".test", Truth, "Whether this is a test of the destination."},
		{".fallback_of", Text, "The name of the destination that did not take the alert, when this one stands in for it; else empty."},
		{".attempt", Number, "1 at the first attempt at this delivery, 2 at the second."},
	}
}

// shape is what is known of a value before there is an alert. A nil shape is nothing known.
type shape struct {
	kind    Kind
	path    string            // what to call it
	members map[string]*shape // of a map; nil: any
}

// alertShape is the shape of what a template is given.
func alertShape() *shape {
	root := &shape{kind: Map, members: map[string]*shape{}}
	for _, n := range Names() {
		at := root
		parts := strings.Split(n.Path[1:], ".")
		for _, part := range parts[:len(parts)-1] {
			at = at.members[part]
			if at.members == nil {
				at.members = map[string]*shape{}
			}
		}
		at.members[parts[len(parts)-1]] = &shape{kind: n.Kind, path: n.Path}
	}
	return root
}
