// SPDX-License-Identifier: MPL-2.0

package amazontest

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

// publish does what https://docs.aws.amazon.com/sns/latest/api/API_Publish.html says.
func (a *AWS) publish(w http.ResponseWriter, call Call) {
	v := call.Values
	invalid := func(what string) {
		Fault{Status: 400, Code: "InvalidParameter", Message: "Invalid parameter: " + what}.write(w, false)
	}
	size := len(v["Message"])
	for i := 1; v[fmt.Sprintf("MessageAttributes.entry.%d.Name", i)] != ""; i++ {
		prefix := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		name, kind, value := v[prefix+"Name"], v[prefix+"Value.DataType"], v[prefix+"Value.StringValue"]
		if value == "" || kind == "" {
			Fault{Status: 400, Code: "ParameterValueInvalid", Message: "The message attribute '" + name + "' must contain a non-empty message attribute value for message attribute type '" + kind + "'."}.write(w, false)
			return
		}
		var list []any
		if kind == "String.Array" && json.Unmarshal([]byte(value), &list) != nil {
			invalid("Message attribute " + name)
			return
		}
		size += len(name) + len(kind) + len(value)
	}
	isFIFO := strings.HasSuffix(v["TopicArn"], ".fifo")
	switch region, _, _ := strings.Cut(call.Scope, "/"); {
	case strings.Count(v["TopicArn"], ":") != 5 || strings.Split(v["TopicArn"], ":")[3] != region:
		invalid("TopicArn")
	case v["Message"] == "":
		invalid("Empty message")
	case size > a.Limit:
		invalid("Message too long")
	case v["Subject"] != "" && !validSubject(v["Subject"]):
		invalid("Subject")
	case v["MessageStructure"] == "json" && !validStructure(v["Message"]):
		invalid("Message Structure - No default entry in JSON message body")
	case isFIFO && v["MessageGroupId"] == "":
		invalid("The MessageGroupId parameter is required for FIFO topics")
	case isFIFO && v["MessageDeduplicationId"] == "":
		invalid("The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
	case !isFIFO && v["MessageDeduplicationId"] != "":
		invalid("MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type")
	default:
		writeXML(w, struct {
			XMLName xml.Name `xml:"http://sns.amazonaws.com/doc/2010-03-31/ PublishResponse"`
			Message string   `xml:"PublishResult>MessageId"`
			Request string   `xml:"ResponseMetadata>RequestId"`
		}{Message: a.keep(v["MessageDeduplicationId"]), Request: RequestID})
	}
}

// keep returns the id of a message: that of the first with the same deduplication id.
func (a *AWS) keep(deduplication string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := fmt.Sprintf("94f20ce6-13c5-43a0-9a9e-%012d", len(a.calls))
	if deduplication == "" {
		return id
	}
	if first, ok := a.made[deduplication]; ok {
		return first
	}
	a.made[deduplication] = id
	return id
}

func validSubject(subject string) bool {
	for _, r := range subject {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return utf8.RuneCountInString(subject) < 100 && subject[0] != ' '
}

func validStructure(message string) bool {
	var texts map[string]any
	if json.Unmarshal([]byte(message), &texts) != nil {
		return false
	}
	text, ok := texts["default"].(string)
	return ok && text != ""
}
