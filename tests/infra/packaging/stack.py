"""A CloudFormation template, read for what matters here."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Right:
    """One action on one resource, which is an ARN or, in JSON, what CloudFormation makes one of."""

    action: str
    resource: str


class Stack:
    """The resources of one stage."""

    def __init__(self, template: dict[str, Any]) -> None:
        self._resources: dict[str, dict[str, Any]] = template["Resources"]

    def of_type(self, kind: str) -> dict[str, Properties]:
        """The properties of each resource of this type, by logical id."""
        return {
            name: resource["Properties"]
            for name, resource in self._resources.items()
            if resource["Type"] == kind
        }

    @property
    def functions(self) -> dict[str, Properties]:
        """Every function, by logical id."""
        return self.of_type("AWS::Lambda::Function")

    def environment(self, function: str) -> dict[str, Any]:
        """What a function finds in its environment."""
        variables: dict[str, Any] = self.functions[function]["Environment"]["Variables"]
        return variables

    def role(self, function: str) -> str:
        """The logical id of its role."""
        return str(self.functions[function]["Role"]["Fn::GetAtt"][0])

    def rights(self, role: str) -> set[Right]:
        """What a role may do, one by one."""
        properties = self.of_type("AWS::IAM::Role")[role]
        assert "ManagedPolicyArns" not in properties
        statements = [
            statement
            for policy in properties["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        assert {statement["Effect"] for statement in statements} == {"Allow"}
        return {
            Right(action, text(resource))
            for statement in statements
            for action in statement["Action"]
            for resource in statement["Resource"]
        }

    def sources(self, function: str) -> Iterator[Properties]:
        """The queues that feed a function."""
        for mapping in self.of_type("AWS::Lambda::EventSourceMapping").values():
            if mapping["FunctionName"]["Fn::GetAtt"][0] == function:
                yield mapping

    def routes(self, function: str) -> set[str]:
        """The route keys of the HTTP API that lead to a function."""
        integrations = self.of_type("AWS::ApiGatewayV2::Integration")
        return {
            route["RouteKey"]
            for route in self.of_type("AWS::ApiGatewayV2::Route").values()
            if f'"{function}"' in text(integrations[_target(route)]["IntegrationUri"])
        }


def text(value: Any) -> str:
    """A value of a template as a string that equal values share."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _target(route: Properties) -> str:
    return str(route["Target"]["Fn::Join"][1][1]["Ref"])
