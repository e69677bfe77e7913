"""Who may do what through /api/v1: the second statement of it, written down from docs/guide and from nothing of the
program's own. cells.py holds the program against it."""

import dataclasses

from matrix import plan

# An operation, who may call it, and what else it asks for:
#   anyone               no credential is looked at
#   account              whoever is logged in, people and robots
#   self, itself         the person, or the robot, that the path names
#   keeper               who looks after the robot that the path names
#   member, chair        a member, an owner of the organization
#   pull                 who may pull the repository, and so everybody where it is public
#   reader … owner       who has at least this role in the repository, or in the namespace
#   auditor, officer, administrator
#   +enrols              open to a session whose person still has to enrol a second factor
#   +proof               takes a session of somebody who proved a short time ago who they are
#   +person              takes a session of whoever it is for by being self, itself or logged in at all: their access
#                        tokens change nothing about them
#   +leaves              open to whoever goes away, whatever policy says
TABLE = """
getDocument              anyone
getServer                account                                        +enrols
setUp                    anyone
startSession             anyone
challengeKey             anyone
beginDeviceLogIn         anyone
finishDeviceLogIn        anyone
reportLeaked             anyone
exchangeWorkloadToken    anyone

whoami                   account                                        +enrols
listUsers                auditor officer administrator
createUser               administrator                                  +proof
getUser                  self itself auditor officer administrator
changeUser               self itself officer administrator              +person
setPassword              self itself administrator                      +proof
liftLogInLimits          administrator

listSessions             account
getCurrentSession        account                                        +enrols
endCurrentSession        account                                        +enrols +person
proveSession             account                                        +enrols +person
refreshSession           account                                        +enrols +person
getSession               account
endSession               account                                        +person
listUserSessions         self itself auditor officer administrator
endSessions              self itself officer administrator              +person
endUserSession           self itself officer administrator              +person

getFactors               self itself officer administrator              +enrols
resetFactors             administrator                                  +proof
beginTotp                self itself                                    +enrols +proof
confirmTotp              self itself                                    +enrols +proof
removeTotp               self itself                                    +proof
makeRecoveryCodes        self itself                                    +enrols +proof
beginSecurityKey         self itself                                    +enrols +proof
registerSecurityKey      self itself                                    +enrols +proof
removeSecurityKey        self itself                                    +proof

listLoginWays            anyone
listLoginProviders       auditor officer administrator
createLoginProvider      administrator                                  +proof
getLoginProvider         auditor officer administrator
changeLoginProvider      administrator                                  +proof
removeLoginProvider      administrator
testLoginProvider        administrator
listGroupMappings        auditor officer administrator
listTeamGroups           member auditor officer administrator
addGroupMapping          administrator                                  +proof
removeGroupMapping       chair administrator
listIdentities           self itself auditor officer administrator
linkIdentity             administrator                                  +proof
unlinkIdentity           administrator

listTokens               self keeper auditor officer administrator
createToken              self keeper                                    +proof
getToken                 self keeper auditor officer administrator
rotateToken              self keeper                                    +proof
revokeToken              self keeper officer administrator              +person
revokeTokens             self keeper officer administrator              +person

getPolicy                account
setPolicy                administrator                                  +proof
getOrganizationPolicy    member auditor officer administrator
setOrganizationPolicy    chair                                          +proof

listOrganizations        account
createOrganization       administrator
getOrganization          member auditor officer administrator
changeOrganization       chair
renameOrganization       chair
deleteOrganization       chair administrator
listMembers              member auditor officer administrator
getMember                member auditor officer administrator
setMember                chair administrator
removeMember             member                                         +leaves
listTeams                member auditor officer administrator
createTeam               chair
getTeam                  member auditor officer administrator
changeTeam               chair
deleteTeam               chair
listTeamMembers          member auditor officer administrator
addTeamMember            chair
removeTeamMember         chair
listInvitations          chair
invite                   chair
getInvitation            chair
revokeInvitation         chair
listOwnInvitations       account
acceptInvitation         account                                        +person
acceptInvitationToken    account                                        +person
declineInvitation        account                                        +person

listOrganizationRobots   member auditor officer administrator
createOrganizationRobot  chair
listRepositoryRobots     maintainer auditor officer administrator
createRepositoryRobot    owner
getRobot                 keeper auditor officer administrator
changeRobot              keeper officer administrator
deleteRobot              keeper
listTrusts               keeper auditor officer administrator
createTrust              keeper                                         +proof
getTrust                 keeper auditor officer administrator
removeTrust              keeper officer administrator

listNamespaces           account
getNamespace             owner auditor officer administrator
changeNamespace          administrator
listNamespaceGrants      owner auditor officer administrator
getNamespaceGrant        owner auditor officer administrator
setNamespaceGrant        owner
removeNamespaceGrant     owner

listRepositories         account
createRepository         account
getRepository            pull auditor officer administrator
changeRepository         maintainer
deleteRepository         owner
renameRepository         owner
listTags                 pull auditor officer administrator
listGrants               auditor officer administrator
listAccess               maintainer auditor officer administrator
listRepositoryGrants     maintainer auditor officer administrator
getRepositoryGrant       maintainer auditor officer administrator
setRepositoryGrant       owner
removeRepositoryGrant    owner
listUploads              maintainer auditor officer administrator
getUpload                maintainer auditor officer administrator
cancelUpload             maintainer
"""

SYSTEM_WORDS = {"auditor": "auditor", "security_officer": "officer", "administrator": "administrator"}


@dataclasses.dataclass(frozen=True)
class Rule:
    who: frozenset
    proof: bool = False
    leaves: bool = False
    enrols: bool = False
    person: bool = False


def _parse(table):
    rules = {}
    for line in table.splitlines():
        words = line.split()
        if not words:
            continue
        flags = {word for word in words if word.startswith("+")}
        assert flags <= {"+enrols", "+proof", "+leaves", "+person"} and words[0] not in rules
        rules[words[0]] = Rule(
            frozenset(words[1:]) - flags,
            "+proof" in flags,
            "+leaves" in flags,
            "+enrols" in flags,
            "+person" in flags,
        )
    return rules


RULES = _parse(TABLE)


@dataclasses.dataclass(frozen=True)
class Thing:
    """What a path names. `absent`: it is not there. `stray`: the last of its parameters is not there, or belongs to
    something else than the path says."""

    label: str
    values: tuple = ()  # (parameter, value) pairs
    absent: bool = False
    stray: bool = False

    def get(self, parameter):
        return dict(self.values).get(parameter)


def relations(caller, thing):
    """What the caller is to the thing, in the table's words."""
    words = {"account"}
    name = thing.get("robot") or thing.get("user")
    if name == caller.account:
        words.add("itself" if caller.robot else "self")
    if name in plan.ROBOTS and caller.account in plan.ROBOTS[name][2] and _reaches(caller, name):
        words.add("keeper")
    if organization := thing.get("organization"):
        membership = caller.membership(organization)
        if caller.ceiling is not None and membership:
            # A token for one repository does nothing to the organization, which its account sees all the same.
            words.add("reader")
        else:
            words |= {None: set(), "member": {"member"}, "owner": {"member", "chair"}}[membership]
    role = "none"
    if repository := thing.get("repository"):
        role = caller.role(repository)
        if caller.may_pull(repository):
            words.add("pull")
    elif namespace := thing.get("namespace"):
        # A token for one repository does nothing to the namespace, which its account sees all the same.
        role = caller.role_in_namespace(namespace)
        if caller.ceiling is not None and role != "none":
            words.add("reader")
            role = "none"
    words |= set(plan.RANKS[1 : plan.rank(role) + 1])
    return words


def _reaches(caller, robot):
    kind, place, _ = plan.ROBOTS[robot]
    return caller.ceiling is None or (kind == "repository" and caller.ceiling == place)


def visible(rule, thing, words):
    """Whether the caller may know that what the path names is there. System roles open the operations that name them, and
    show nothing else; and so it is with looking after a robot."""
    if not thing.values:
        return True
    if thing.get("provider") and not thing.get("organization"):
        return bool(words & {"self", "itself"})
    return bool(words & ({"self", "itself", "member", "pull", "reader"} | rule.who & {"keeper"}))


ALLOWED = "allowed"


def expected(rule, caller, thing, reading):
    """ALLOWED, or the status of the refusal."""
    if "anyone" in rule.who:
        return ALLOWED
    if not caller.alive:
        return 401
    if caller.reach == "none" or (caller.reach == "read" and not reading):
        return 403
    if rule.proof and not caller.proved:
        return 401
    token = not caller.session
    if rule.person and token and "account" in rule.who:
        return 403
    if thing.absent:
        return 404
    words = relations(caller, thing)
    # What the policy of an organization asks for, it asks of those who come to the organization.
    if caller.lacks_factor and thing.get("organization") in plan.STRICT and "member" in words:
        if not (rule.leaves and thing.get("member") == caller.account):
            return 403
    able = words - {"self", "itself"} if rule.person and token else words
    if able & rule.who or SYSTEM_WORDS.get(caller.system_role) in rule.who:
        return ALLOWED
    return 403 if visible(rule, thing, words) else 404
