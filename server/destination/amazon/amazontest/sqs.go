// SPDX-License-Identifier: MPL-2.0

package amazontest

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// Message is the input of SendMessage.
type Message struct {
	QueueURL               string               `json:"QueueUrl"`
	MessageBody            string               `json:"MessageBody"`
	MessageAttributes      map[string]Attribute `json:"MessageAttributes"`
	DelaySeconds           int                  `json:"DelaySeconds"`
	MessageGroupID         string               `json:"MessageGroupId"`
	MessageDeduplicationID string               `json:"MessageDeduplicationId"`
}

// Attribute is an attribute of a message.
type Attribute struct {
	DataType    string `json:"DataType"`
	StringValue string `json:"StringValue"`
}

// sendMessage does what https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html says.
func (a *AWS) sendMessage(w http.ResponseWriter, m Message) {
	size, valid := len(m.MessageBody), inXML(m.MessageBody)
	for name, attribute := range m.MessageAttributes {
		if attribute.StringValue == "" || attribute.DataType == "" {
			Fault{Status: 400, Code: "InvalidParameterValue", Message: "Message (user) attribute '" + name + "' must contain a non-empty value of type '" + attribute.DataType + "'."}.write(w, true)
			return
		}
		size += len(name) + len(attribute.DataType) + len(attribute.StringValue)
		valid = valid && inXML(attribute.StringValue)
	}
	isFIFO := strings.HasSuffix(m.QueueURL, ".fifo")
	switch {
	case m.MessageBody == "":
		Fault{Status: 400, Code: "MissingParameter", Message: "The request must contain the parameter MessageBody."}.write(w, true)
	case len(m.MessageAttributes) > 10:
		Fault{Status: 400, Code: "InvalidParameterValue", Message: "Number of message attributes [11] exceeds the allowed maximum [10]."}.write(w, true)
	case size > a.Limit:
		Fault{
			Status: 400, Code: "InvalidParameterValue",
			Message: fmt.Sprintf("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", a.Limit),
		}.write(w, true)
	case !valid:
		Fault{Status: 400, Code: "InvalidMessageContents", Message: "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"}.write(w, true)
	case isFIFO && m.DelaySeconds != 0:
		Fault{Status: 400, Code: "InvalidParameterValue", Message: "Value 1 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type."}.write(w, true)
	case isFIFO && m.MessageGroupID == "":
		Fault{Status: 400, Code: "MissingParameter", Message: "The request must contain the parameter MessageGroupId."}.write(w, true)
	case isFIFO && m.MessageDeduplicationID == "":
		Fault{Status: 400, Code: "InvalidParameterValue", Message: "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"}.write(w, true)
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		writeJSON(w, map[string]string{
			"MessageId":              a.keep(m.MessageDeduplicationID),
			"MD5OfMessageBody":       digest([]byte(m.MessageBody)),
			"MD5OfMessageAttributes": digest(encode(m.MessageAttributes)),
		})
	}
}

// inXML reports whether a text has only characters of XML 1.0: https://www.w3.org/TR/REC-xml/#charsets.
func inXML(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff
	})
}

func digest(content []byte) string {
	sum := md5.Sum(content) //nolint:gosec // what SQS answers with
	return hex.EncodeToString(sum[:])
}

// encode writes attributes as they are digested:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
func encode(attributes map[string]Attribute) []byte {
	var out []byte
	text := func(s string) { out = append(binary.BigEndian.AppendUint32(out, uint32(len(s))), s...) } //nolint:gosec // within the limit
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		text(name)
		text(attributes[name].DataType)
		out = append(out, 1) // a string
		text(attributes[name].StringValue)
	}
	return out
}
